"""Reads one kind of Kubernetes object each into the dataclasses of model; never raises on shape, decides nothing."""
