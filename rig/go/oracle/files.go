package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/nodeagent/cache"
)

// filesCase is what the sidecar finds at the three paths of a rule; nil: no such resource is asked for.
type filesCase struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
	CA          []byte `json:"ca"`
}

// filesAnswer holds the agent's refusals, "" where it serves the file.
// until: the end of the certificate's validity, as the agent reads it. bundle: the CA file as Envoy gets it.
type filesAnswer struct {
	Pair   string    `json:"pair"`
	Until  time.Time `json:"until"`
	CA     string    `json:"ca"`
	Bundle []byte    `json:"bundle"`
}

// answerFiles asks the agent about all cases at once: it tries a refused file again for ten seconds, asleep.
func answerFiles(input *json.Decoder, output *json.Encoder) error {
	folder, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	agent, err := cache.NewSecretManagerClient(nil, &security.Options{FileDebounceDuration: 100 * time.Millisecond})
	if err != nil {
		return err
	}
	defer agent.Close()
	var group sync.WaitGroup
	var answers []*filesAnswer
	for number := 0; ; number++ {
		var one filesCase
		if err := input.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		answer := &filesAnswer{}
		answers = append(answers, answer)
		group.Go(func() { answerCase(agent, filepath.Join(folder, strconv.Itoa(number)), one, answer) })
	}
	group.Wait()
	for _, answer := range answers {
		if err := output.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func answerCase(agent *cache.SecretManagerClient, folder string, one filesCase, answer *filesAnswer) {
	if err := write(folder, one); err != nil {
		answer.Pair, answer.CA = err.Error(), err.Error()
		return
	}
	if one.Certificate != nil {
		pair, err := agent.GenerateSecret("file-cert:" + filepath.Join(folder, "certificate") + "~" + filepath.Join(folder, "key"))
		if answer.Pair = text(err); err == nil {
			answer.Until = pair.ExpireTime
		}
	}
	if one.CA != nil {
		bundle, err := agent.GenerateSecret("file-root:" + filepath.Join(folder, "ca"))
		if answer.CA = text(err); err == nil {
			answer.Bundle = bundle.RootCert
		}
	}
}

func write(folder string, one filesCase) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"certificate": one.Certificate, "key": one.Key, "ca": one.CA} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
