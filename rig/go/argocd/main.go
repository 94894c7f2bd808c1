// Command argocd syncs the objects of a file as Argo CD's application controller does: it writes the tracking
// annotation, compares, rehearses, then applies wave by wave in the engine's order of kinds.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/engine"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

const (
	manager  = "argocd-controller"
	tracking = "argocd.argoproj.io/tracking-id"
)

type asked struct {
	kubeconfig, namespace, application string
	serverSide                         bool
	timeout                            time.Duration
}

func main() {
	var wanted asked
	flag.StringVar(&wanted.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "whose objects are written")
	flag.StringVar(&wanted.namespace, "namespace", "default", "of the application")
	flag.StringVar(&wanted.application, "application", "apps", "its name")
	flag.BoolVar(&wanted.serverSide, "server-side", false, "ServerSideApply=true")
	flag.DurationVar(&wanted.timeout, "timeout", time.Minute, "for one sync")
	flag.Parse()
	if err := run(wanted, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "sync failed:", err)
		os.Exit(1)
	}
}

// run syncs the file once, and prints what became of each object.
func run(wanted asked, file string) error {
	klog.SetLogger(logr.Discard())
	rest.SetDefaultWarningHandler(rest.NewWarningWriter(os.Stderr, rest.WarningWriterOptions{}))
	config, err := clientcmd.BuildConfigFromFlags("", wanted.kubeconfig)
	if err != nil {
		return err
	}
	config.UserAgent = "argocd-application-controller"
	objects, err := read(file, wanted.application)
	if err != nil {
		return err
	}
	seen := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()), cache.SetPopulateResourceInfoHandler(tracked))
	gitops := engine.NewEngine(config, seen, engine.WithLogr(logr.Discard()))
	stop, err := gitops.Run()
	if err != nil {
		return err
	}
	defer stop()
	return synced(gitops, wanted, objects)
}

func synced(gitops engine.GitOpsEngine, wanted asked, objects []*unstructured.Unstructured) error {
	limited, cancel := context.WithTimeout(context.Background(), wanted.timeout)
	defer cancel()
	ours := func(resource *cache.Resource) bool { return resource.Info == wanted.application }
	results, err := gitops.Sync(limited, objects, ours, "revision", wanted.namespace,
		sync.WithLogr(logr.Discard()), sync.WithManifestValidation(true),
		sync.WithServerSideApply(wanted.serverSide), sync.WithServerSideApplyManager(manager))
	failed := 0
	for _, result := range results {
		fmt.Println(result.ResourceKey.String(), result.Status, result.Message)
		if result.Status == common.ResultCodeSyncFailed {
			failed++
		}
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d objects failed", failed, len(results))
	}
	return err
}

// tracked notes of each object in the cluster whose it is.
func tracked(object *unstructured.Unstructured, _ bool) (any, bool) {
	identifier := object.GetAnnotations()[tracking]
	for at, letter := range identifier {
		if letter == ':' {
			return identifier[:at], true
		}
	}
	return "", false
}

// read gives each object the annotation that Argo CD would write.
func read(file, application string) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := kube.SplitYAML(content)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		kind := object.GroupVersionKind()
		annotations[tracking] = fmt.Sprintf("%s:%s/%s:%s/%s",
			application, kind.Group, kind.Kind, object.GetNamespace(), object.GetName())
		object.SetAnnotations(annotations)
	}
	return objects, nil
}
