"""Whether a pod is behind a host itself, as its server: its own sidecar does not call that host."""

from collections.abc import Mapping

from webhook.istio.pilot.destination_rules import selects
from webhook.model.mesh import Service


def is_behind(service: Service, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether the service sends its calls to pods with these labels in this namespace."""
    return bool(service.selector) and service.namespace == namespace and selects(service.selector, labels)
