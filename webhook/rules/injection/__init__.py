"""Rules about sidecar injection and the injection of mtls-guard."""
