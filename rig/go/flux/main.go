// Command flux applies the objects of a file as Flux's kustomize-controller applies those of a Kustomization: it writes
// its labels, sends everything as a dry run, which the first denial ends, then applies it in stages.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	controller  = "kustomize-controller"
	concurrency = 4
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "whose objects are written")
	name := flag.String("name", "apps", "the Kustomization")
	flag.Parse()
	if err := reconcile(*kubeconfig, *name, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "reconcile failed:", strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}

// reconcile applies the file, and prints what became of each object.
func reconcile(kubeconfig, name, file string) error {
	manager, err := newManager(kubeconfig)
	if err != nil {
		return err
	}
	objects, err := read(file)
	if err != nil {
		return err
	}
	manager.SetOwnerLabels(objects, name, "flux-system")
	set, err := manager.ApplyAllStaged(context.Background(), objects, options())
	if set != nil {
		for _, entry := range set.Entries {
			fmt.Println(entry.String())
		}
	}
	return err
}

// newManager is made as the controller makes its own, which does not show warnings: here they are printed.
func newManager(kubeconfig string) (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.UserAgent = controller
	config.WarningHandler = rest.NewWarningWriter(os.Stderr, rest.WarningWriterOptions{})
	connection, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, connection)
	if err != nil {
		return nil, err
	}
	kubernetes, err := client.New(config, client.Options{Mapper: mapper, HTTPClient: connection})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(kubernetes, mapper, polling.Options{})
	owner := ssa.Owner{Field: controller, Group: "kustomize.toolkit.fluxcd.io"}
	manager := ssa.NewResourceManager(kubernetes, poller, owner)
	manager.SetConcurrency(concurrency)
	return manager, nil
}

func read(file string) ([]*unstructured.Unstructured, error) {
	content, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	objects, err := utils.ReadObjects(content)
	if err != nil {
		return nil, err
	}
	return objects, normalize.UnstructuredList(objects)
}

// options are those of the controller: what others have applied before becomes Flux's.
func options() ssa.ApplyOptions {
	chosen := ssa.DefaultApplyOptions()
	chosen.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
		},
	}
	return chosen
}
