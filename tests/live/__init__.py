"""Tests against real parts: an API server, kubectl, Helm, and Pods of ours played as processes."""
