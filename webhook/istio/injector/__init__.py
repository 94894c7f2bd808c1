"""What the sidecar injector does with a pod template, and which files istio-proxy has then."""
