// Command oracle answers, with Istio's and Kubernetes' own code, what happens to objects: JSON lines in, JSON lines out.
// Each answer is written at once.
//
//	oracle pods      the Pod that the injector returns, if the API server takes it
//	oracle clusters  the clusters that istiod gives the sidecars of a mesh, and their routes if asked
//	oracle files     whether the agent serves certificate, key and CA
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"istio.io/istio/pkg/log"
)

var modes = map[string]func(input *json.Decoder, output *json.Encoder) error{
	"pods":     answerPods,
	"clusters": answerClusters,
	"files":    answerFiles,
}

func main() {
	if len(os.Args) != 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: oracle pods|clusters|files < cases > answers")
		os.Exit(2)
	}
	quiet()
	err := modes[os.Args[1]](json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// quiet silences Istio's log, which would name every case.
func quiet() {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
