"""Rules about mesh-wide settings of Istio and its proxies."""
