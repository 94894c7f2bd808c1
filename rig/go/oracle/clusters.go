package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	http "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/config/memory"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	registry "istio.io/istio/pilot/pkg/serviceregistry/kube"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/util/protomarshal"
)

const domain = "cluster.local"

// meshCase is everything that istiod sees, and the sidecars that ask it.
// unvalidated: the objects came past Istio's validating webhook. metadata: what the agents report. routes: to be told, too.
type meshCase struct {
	Objects     []json.RawMessage `json:"objects"`
	Mesh        json.RawMessage   `json:"mesh"`
	Proxies     []proxyCase       `json:"proxies"`
	Unvalidated bool              `json:"unvalidated"`
	Metadata    map[string]string `json:"metadata"`
	Routes      bool              `json:"routes"`
}

// proxyCase is one sidecar.
type proxyCase struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

// meshAnswer holds the clusters of each sidecar. refused: the validating webhook's words by the object's place in the case.
type meshAnswer struct {
	Refused map[int]string    `json:"refused"`
	Proxies [][]clusterAnswer `json:"proxies"`
	Routes  [][]routeAnswer   `json:"routes,omitempty"`
}

// clusterAnswer is one outbound cluster; tls is nil where the sidecar sends what the application sent.
type clusterAnswer struct {
	Port   string     `json:"port"`
	Subset string     `json:"subset"`
	Host   string     `json:"host"`
	TLS    *tlsAnswer `json:"tls"`
}

// tlsAnswer is what Envoy is told: the names under which it asks for files, and the file that it reads itself.
// auto_sni, auto_names: with http, the name of the call is sent, and sought in the certificate.
type tlsAnswer struct {
	Certificate string   `json:"certificate"`
	Root        string   `json:"root"`
	CRL         string   `json:"crl"`
	SNI         string   `json:"sni"`
	Names       []string `json:"names"`
	AutoSNI     bool     `json:"auto_sni"`
	AutoNames   bool     `json:"auto_names"`
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
	answer := meshAnswer{Refused: map[int]string{}}
	settings := mesh.DefaultMeshConfig()
	if err := protomarshal.ApplyJSON(string(one.Mesh), settings); err != nil {
		return answer, err
	}
	options := core.TestOptions{MeshConfig: settings}
	for number, object := range one.Objects {
		if err := add(&options, object, one.Unvalidated); err != nil {
			answer.Refused[number] = err.Error()
		}
	}
	err := test.Wrap(func(failer test.Failer) {
		answer.Proxies, answer.Routes = ask(failer, options, one)
	})
	return answer, err
}

// add reads one object as istiod's watch does, and refuses what its validating webhook refuses.
func add(options *core.TestOptions, object json.RawMessage, unvalidated bool) error {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(object, &kind); err != nil {
		return err
	}
	if kind.Kind == "Service" {
		var service corev1.Service
		if err := json.Unmarshal(object, &service); err != nil {
			return err
		}
		options.Services = append(options.Services, registry.ConvertService(service, nil, domain, "Kubernetes", domain))
		return nil
	}
	found, err := read(object, kind, unvalidated)
	if err == nil && config.LabelsInRevision(found.Labels, "default") {
		options.Configs = append(options.Configs, *found)
	}
	return err
}

func read(object json.RawMessage, kind metav1.TypeMeta, unvalidated bool) (*config.Config, error) {
	version := kind.GroupVersionKind()
	schema, known := collections.Pilot.FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&version))
	if !known {
		return nil, fmt.Errorf("istiod does not read %s", kind.Kind)
	}
	var written crd.IstioKind
	if err := json.Unmarshal(object, &written); err != nil {
		return nil, err
	}
	found, err := crd.ConvertObject(schema, &written, domain)
	if err == nil && !unvalidated {
		_, err = schema.ValidateConfig(*found)
	}
	return found, err
}

func ask(failer test.Failer, options core.TestOptions, held meshCase) ([][]clusterAnswer, [][]routeAnswer) {
	generator := core.NewConfigGenTest(failer, options)
	found := make([][]clusterAnswer, 0, len(held.Proxies))
	routes := [][]routeAnswer{}
	for number, one := range held.Proxies {
		metadata := &model.NodeMetadata{Namespace: one.Namespace, Labels: one.Labels, IstioVersion: "1.31.0"}
		metadata.TLSClientCertChain = held.Metadata["TLS_CLIENT_CERT_CHAIN"]
		metadata.TLSClientKey = held.Metadata["TLS_CLIENT_KEY"]
		metadata.TLSClientRootCert = held.Metadata["TLS_CLIENT_ROOT_CERT"]
		proxy := generator.SetupProxy(&model.Proxy{
			ID:              fmt.Sprintf("app-%d.%s", number, one.Namespace),
			ConfigNamespace: one.Namespace,
			Labels:          one.Labels,
			Metadata:        metadata,
		})
		found = append(found, outbound(generator.Clusters(proxy)))
		if held.Routes {
			routes = append(routes, routed(generator.Routes(proxy)))
		}
	}
	return found, routes
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
	answer.AutoSNI, answer.AutoNames = automatic(one)
	return answer
}

// automatic reads what holds for http only.
func automatic(one *cluster.Cluster) (bool, bool) {
	options := &http.HttpProtocolOptions{}
	written := one.TypedExtensionProtocolOptions["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
	if written == nil || written.UnmarshalTo(options) != nil {
		return false, false
	}
	return options.GetUpstreamHttpProtocolOptions().GetAutoSni(), options.GetUpstreamHttpProtocolOptions().GetAutoSanValidation()
}

// emptyStore holds no configuration.
func emptyStore() model.ConfigStore { return memory.Make(collections.Pilot) }
