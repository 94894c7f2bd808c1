"""mtls-guard: judges, at admission, whether a workload's Istio sidecar can really originate mTLS."""

__version__ = "0.1.0"
