"""What the commands read: manifests, or a running cluster with files laid over it."""
