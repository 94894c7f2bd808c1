package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admission "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podvalidation "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"

	"istio.io/istio/operator/pkg/render"
	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/mesh/meshwatcher"
	"istio.io/istio/pkg/kube/inject"
)

// podCase is one Pod as it reaches the API server. native: whether istiod makes native sidecars.
type podCase struct {
	Pod       json.RawMessage `json:"pod"`
	Namespace string          `json:"namespace"`
	Native    bool            `json:"native"`
}

// podAnswer says who refused the Pod and why, or what its sidecar has. by: "injector" or "api-server".
type podAnswer struct {
	By       string            `json:"by,omitempty"`
	Refused  string            `json:"refused,omitempty"`
	Injected bool              `json:"injected"`
	Volumes  []corev1.Volume   `json:"volumes"`
	Proxy    *corev1.Container `json:"proxy"`
	Init     bool              `json:"init"`
}

const proxyName = "istio-proxy"

func answerPods(input *json.Decoder, output *json.Encoder) error {
	injector, err := newInjector()
	if err != nil {
		return err
	}
	for {
		var one podCase
		if err := input.Decode(&one); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := output.Encode(answerPod(injector, one)); err != nil {
			return err
		}
	}
}

// newInjector serves /inject as istiod does, with the settings that Istio's chart renders by default.
func newInjector() (http.Handler, error) {
	settings, err := renderSettings()
	if err != nil {
		return nil, err
	}
	features.EnableNativeSidecars = features.NativeSidecarModeDisabled // no nodes are asked: each case says it
	environment := model.NewEnvironment()
	environment.Watcher = meshwatcher.NewTestWatcher(mesh.DefaultMeshConfig())
	environment.ConfigStore = emptyStore()
	environment.Init()
	mux := http.NewServeMux()
	_, err = inject.NewWebhook(inject.WebhookParameters{Watcher: settings, Env: environment, Mux: mux, Revision: "default"})
	return mux, err
}

// settings is the injector's configuration, as its ConfigMap holds it.
type settings struct {
	config *inject.Config
	values string
}

func (s *settings) SetHandler(func(*inject.Config, string) error) {}
func (s *settings) Run(<-chan struct{})                           {}
func (s *settings) Get() (*inject.Config, string, error)          { return s.config, s.values, nil }

func renderSettings() (*settings, error) {
	flags := []string{"profile=empty", "components.pilot.enabled=true"}
	sets, _, err := render.GenerateManifest(nil, flags, false, nil, nil)
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		for _, one := range set.Manifests {
			if one.GetName() != "istio-sidecar-injector" || one.GetKind() != "ConfigMap" {
				continue
			}
			data := one.Object["data"].(map[string]any)
			config, err := inject.UnmarshalConfig([]byte(data["config"].(string)))
			return &settings{&config, data["values"].(string)}, err
		}
	}
	return nil, errors.New("Istio's chart renders no istio-sidecar-injector")
}

func answerPod(injector http.Handler, one podCase) podAnswer {
	pod := &corev1.Pod{}
	if err := json.Unmarshal(one.Pod, pod); err != nil {
		return podAnswer{By: "api-server", Refused: err.Error()}
	}
	admit(pod, one.Namespace)
	before, err := json.Marshal(pod)
	if err != nil {
		return podAnswer{By: "api-server", Refused: err.Error()}
	}
	after, injected, err := injectPod(injector, before, one)
	if err != nil {
		return podAnswer{By: "injector", Refused: err.Error()}
	}
	final := &corev1.Pod{}
	if err := json.Unmarshal(after, final); err != nil {
		return podAnswer{By: "api-server", Refused: err.Error()}
	}
	admit(final, one.Namespace)
	answer := podAnswer{Injected: injected, Volumes: final.Spec.Volumes}
	if err := validate(final); err != nil {
		answer.By, answer.Refused = "api-server", err.Error()
	}
	answer.Proxy, answer.Init = proxy(final)
	return answer
}

// injectPod asks the injector as the API server does.
func injectPod(injector http.Handler, pod []byte, one podCase) ([]byte, bool, error) {
	features.EnableNativeSidecars = features.NativeSidecarModeDisabled
	if one.Native {
		features.EnableNativeSidecars = features.NativeSidecarModeEnabled
	}
	review := admission.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  &admission.AdmissionRequest{UID: "1", Namespace: one.Namespace, Object: runtime.RawExtension{Raw: pod}},
	}
	body, err := json.Marshal(review)
	if err != nil {
		return nil, false, err
	}
	request := httptest.NewRequest(http.MethodPost, "/inject", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	injector.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return nil, false, fmt.Errorf("HTTP %d: %s", recorder.Code, recorder.Body)
	}
	answer := admission.AdmissionReview{}
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		return nil, false, err
	}
	if !answer.Response.Allowed {
		return nil, false, errors.New(answer.Response.Result.Message)
	}
	if len(answer.Response.Patch) == 0 {
		return pod, false, nil
	}
	patch, err := jsonpatch.DecodePatch(answer.Response.Patch)
	if err != nil {
		return nil, false, err
	}
	patched, err := patch.Apply(pod)
	return patched, true, err
}

// admit does what the API server does around webhooks: defaults, and the ServiceAccount's volume for every container.
func admit(pod *corev1.Pod, namespace string) {
	pod.Namespace = namespace
	if pod.Spec.ServiceAccountName == "" {
		pod.Spec.ServiceAccountName = "default"
	}
	if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
		mountToken(pod)
	}
	legacyscheme.Scheme.Default(pod)
}

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// mountToken is what plugin/pkg/admission/serviceaccount does, with a fixed name.
func mountToken(pod *corev1.Pod) {
	name, held := "kube-api-access-oracl", false
	for _, volume := range pod.Spec.Volumes {
		if strings.HasPrefix(volume.Name, "kube-api-access-") {
			name, held = volume.Name, true
			break
		}
	}
	needed := false
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for index := range containers {
			needed = mountInto(&containers[index], name) || needed
		}
	}
	if needed && !held {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			}},
		}})
	}
}

func mountInto(container *corev1.Container, name string) bool {
	for _, mount := range container.VolumeMounts {
		if mount.MountPath == tokenPath {
			return false
		}
	}
	mount := corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenPath}
	container.VolumeMounts = append(container.VolumeMounts, mount)
	return true
}

// validate asks the API server's own validation.
func validate(pod *corev1.Pod) error {
	internal := &core.Pod{}
	if err := legacyscheme.Scheme.Convert(pod, internal, nil); err != nil {
		return err
	}
	options := podvalidation.GetValidationOptionsFromPodSpecAndMeta(&internal.Spec, nil, &internal.ObjectMeta, nil)
	return validation.ValidatePodCreate(internal, options).ToAggregate()
}

func proxy(pod *corev1.Pod) (*corev1.Container, bool) {
	for index := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[index].Name == proxyName {
			return &pod.Spec.InitContainers[index], true
		}
	}
	for index := range pod.Spec.Containers {
		if pod.Spec.Containers[index].Name == proxyName {
			return &pod.Spec.Containers[index], false
		}
	}
	return nil, false
}
