package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/config/memory"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	registry "istio.io/istio/pilot/pkg/serviceregistry/kube"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/util/protomarshal"
)

// meshCase is everything that istiod sees, and the sidecars that ask it.
type meshCase struct {
	Objects []json.RawMessage `json:"objects"`
	Mesh    json.RawMessage   `json:"mesh"`
	Proxies []proxyCase       `json:"proxies"`
}

// proxyCase is one sidecar. raw: what its agent reports as metadata.
type proxyCase struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Raw       map[string]string `json:"raw"`
}

// meshAnswer holds the clusters of each sidecar, or what istiod's validation refused.
type meshAnswer struct {
	Refused []string          `json:"refused"`
	Proxies [][]clusterAnswer `json:"proxies"`
}

// clusterAnswer is one outbound cluster; tls is nil where the sidecar sends what the application sent.
type clusterAnswer struct {
	Port   string     `json:"port"`
	Subset string     `json:"subset"`
	Host   string     `json:"host"`
	TLS    *tlsAnswer `json:"tls"`
}

// tlsAnswer is what Envoy is told: the names under which it asks for files, and the file that it reads itself.
type tlsAnswer struct {
	Certificate string   `json:"certificate"`
	Root        string   `json:"root"`
	CRL         string   `json:"crl"`
	SNI         string   `json:"sni"`
	Names       []string `json:"names"`
}

func answerClusters(input *json.Decoder, output *json.Encoder) error {
	for {
		var one meshCase
		if err := input.Decode(&one); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		answer, err := answerMesh(one)
		if err != nil {
			return err
		}
		if err := output.Encode(answer); err != nil {
			return err
		}
	}
}

func answerMesh(one meshCase) (meshAnswer, error) {
	answer := meshAnswer{Refused: []string{}, Proxies: [][]clusterAnswer{}}
	settings := mesh.DefaultMeshConfig()
	if len(one.Mesh) > 0 {
		if err := protomarshal.ApplyJSON(string(one.Mesh), settings); err != nil {
			return answer, err
		}
	}
	options := core.TestOptions{MeshConfig: settings}
	for _, object := range one.Objects {
		if err := add(&options, object); err != nil {
			answer.Refused = append(answer.Refused, err.Error())
		}
	}
	err := test.Wrap(func(failer test.Failer) {
		answer.Proxies = ask(failer, options, settings, one.Proxies)
	})
	return answer, err
}

// add reads one object as istiod's watch does, and refuses what its validation refuses.
func add(options *core.TestOptions, object json.RawMessage) error {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(object, &kind); err != nil {
		return err
	}
	if kind.Kind == "Service" {
		var service corev1.Service
		if err := json.Unmarshal(object, &service); err != nil {
			return err
		}
		options.Services = append(options.Services, registry.ConvertService(service, nil, "cluster.local", "Kubernetes", "cluster.local"))
		return nil
	}
	found, _, err := crd.ParseInputs(string(object))
	if err != nil {
		return err
	}
	for _, one := range found {
		if config.LabelsInRevision(one.Labels, "default") {
			options.Configs = append(options.Configs, one)
		}
	}
	return nil
}

func ask(failer test.Failer, options core.TestOptions, settings *meshconfig.MeshConfig, proxies []proxyCase) [][]clusterAnswer {
	generator := core.NewConfigGenTest(failer, options)
	found := make([][]clusterAnswer, 0, len(proxies))
	for number, one := range proxies {
		metadata := &model.NodeMetadata{Namespace: one.Namespace, Labels: one.Labels, IstioVersion: "1.31.0"}
		metadata.TLSClientCertChain = one.Raw["TLS_CLIENT_CERT_CHAIN"]
		metadata.TLSClientKey = one.Raw["TLS_CLIENT_KEY"]
		metadata.TLSClientRootCert = one.Raw["TLS_CLIENT_ROOT_CERT"]
		proxy := generator.SetupProxy(&model.Proxy{
			ID:              fmt.Sprintf("app-%d.%s", number, one.Namespace),
			ConfigNamespace: one.Namespace,
			Labels:          one.Labels,
			Metadata:        metadata,
		})
		found = append(found, outbound(generator.Clusters(proxy)))
	}
	return found
}

func outbound(clusters []*cluster.Cluster) []clusterAnswer {
	found := []clusterAnswer{}
	for _, one := range clusters {
		parts := strings.SplitN(one.Name, "|", 4)
		if len(parts) == 4 && parts[0] == "outbound" {
			found = append(found, clusterAnswer{Port: parts[1], Subset: parts[2], Host: parts[3], TLS: context(one)})
		}
	}
	return found
}

// context reads the one TLS context that holds for every endpoint; those of automatic mTLS stand elsewhere.
func context(one *cluster.Cluster) *tlsAnswer {
	if one.TransportSocket == nil || one.TransportSocket.GetTypedConfig() == nil {
		return nil
	}
	upstream := &tls.UpstreamTlsContext{}
	if one.TransportSocket.GetTypedConfig().UnmarshalTo(upstream) != nil {
		return nil
	}
	common := upstream.GetCommonTlsContext()
	answer := &tlsAnswer{SNI: upstream.Sni, Names: []string{}}
	for _, secret := range common.GetTlsCertificateSdsSecretConfigs() {
		answer.Certificate = secret.Name
	}
	if combined := common.GetCombinedValidationContext(); combined != nil {
		answer.Root = combined.GetValidationContextSdsSecretConfig().GetName()
		answer.CRL = combined.GetDefaultValidationContext().GetCrl().GetFilename()
		for _, match := range combined.GetDefaultValidationContext().GetMatchSubjectAltNames() {
			answer.Names = append(answer.Names, match.GetExact())
		}
	}
	return answer
}

// emptyStore holds no configuration.
func emptyStore() model.ConfigStore { return memory.Make(collections.Pilot) }
