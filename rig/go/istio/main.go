// Command istio is istiod and pilot-agent in one file: which of them, the name it is called by says.
// One link serves both, so that one build is cheaper than two.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	meshconfig "istio.io/api/mesh/v1alpha1"
	agent "istio.io/istio/pilot/cmd/pilot-agent/app"
	discovery "istio.io/istio/pilot/cmd/pilot-discovery/app"
	istioagent "istio.io/istio/pkg/istio-agent"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/nodeagent/sds"
)

var commands = map[string]func() *cobra.Command{
	"pilot-discovery": discovery.NewRootCommand,
	"pilot-agent": func() *cobra.Command {
		return agent.NewRootCommand(
			func(options *security.Options, secrets security.SecretManager, keys *meshconfig.PrivateKeyProvider) istioagent.SDSService {
				return sds.NewServer(options, secrets, keys)
			})
	},
}

func main() {
	name := filepath.Base(os.Args[0])
	command, found := commands[name]
	if !found {
		fmt.Fprintf(os.Stderr, "called as %q: link it as pilot-discovery or pilot-agent\n", name)
		os.Exit(2)
	}
	log.EnableKlogWithCobra()
	if err := command().Execute(); err != nil {
		log.Error(err)
		os.Exit(1)
	}
}
