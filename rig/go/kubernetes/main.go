// Command kubernetes is kube-apiserver, kube-controller-manager and kubectl in one file: which of them, the name it is called by says.
// One link serves all three, so that one build is far cheaper than three.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // as in Kubernetes' own mains

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

var servers = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
}

func main() {
	name := filepath.Base(os.Args[0])
	if server, found := servers[name]; found {
		os.Exit(cli.Run(server()))
	}
	if name != "kubectl" {
		fmt.Fprintf(os.Stderr, "called as %q: link it as kubectl, kube-apiserver or kube-controller-manager\n", name)
		os.Exit(2)
	}
	logs.GlogSetter(cmd.GetLogVerbosity(os.Args)) //nolint:errcheck // as in kubectl's own main
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
