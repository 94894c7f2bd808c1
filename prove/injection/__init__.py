"""Injection on a real API server, with every kind of workload, other webhooks, and changes while Pods exist."""
