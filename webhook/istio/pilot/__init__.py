"""What istiod (pilot) tells a sidecar: hosts, services, DestinationRules, routes, and the TLS settings."""
