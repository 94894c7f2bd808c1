// Answers as Istio's agent would whether it loads a certificate with its key, and a CA bundle.
// Input and output: JSON lines; `pair` and `ca` hold the refusal, "" where it loads. Standard library only.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
)

type files struct{ Certificate, Key, CA []byte }

func pair(one files) error {
	if _, err := tls.X509KeyPair(one.Certificate, one.Key); err != nil {
		return err
	}
	block, _ := pem.Decode(one.Certificate)
	_, err := x509.ParseCertificate(block.Bytes)
	return err
}

func ca(one files) error {
	rest := bytes.TrimSpace(one.CA)
	last := errors.New("no certificate")
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return last
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			return nil
		} else {
			last = err
		}
	}
	return last
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for one := (files{}); in.Decode(&one) == nil; one = (files{}) {
		_ = out.Encode(map[string]string{"pair": text(pair(one)), "ca": text(ca(one))})
	}
}
