"""Our predictions beside the answers of Istio's and Kubernetes' own code, on thousands of generated cases."""
