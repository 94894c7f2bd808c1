"""Rules about certificates, private keys and what Istio and Envoy make of these files."""
