"""Who sees a service, and which of several services with one host counts.

Leaves Sidecar resources to `sidecar_scope`, and where a call goes to `virtual_services`. Behaviour: Istio 1.31,
pilot/pkg/model/push_context.go and sidecar.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from webhook.istio.pilot.hosts import is_wildcard
from webhook.model.mesh import Mesh, Service, ServicePort

_EVERYONE = ("*",)
_DYNAMIC_PROTOCOLS = frozenset({"HTTP", "HTTP2", "GRPC", "TLS"})


def is_kubernetes(service: Service) -> bool:
    """Whether the host is a Kubernetes Service, which comes before any ServiceEntry of the same host."""
    return service.ref.kind == "Service"


def served(labels: Mapping[str, str], mesh: Mesh) -> bool:
    """Whether an object's label `istio.io/rev`, if it has one, names a revision that is known to exist."""
    revision = labels.get("istio.io/rev")
    return revision is None or mesh.revisions is None or revision in mesh.revisions


def exported(service: Service, mesh: Mesh) -> Sequence[str]:
    """To whom the service is exported: its own word, else the mesh's default, else everyone."""
    return service.export_to or mesh.default_service_export_to or _EVERYONE


def visible(service: Service, namespace: str, mesh: Mesh) -> bool:
    """Whether sidecars of the namespace see the service, before any Sidecar resource."""
    if not service.export_to and not mesh.default_service_export_to:
        return is_kubernetes(service) or not service.labels or served(service.labels, mesh)
    to = exported(service, mesh)
    if "*" not in to and ("~" in to or not (namespace in to or ("." in to and service.namespace == namespace))):
        return False
    return is_kubernetes(service) or served(service.labels, mesh)


def choose(services: Sequence[Service], namespace: str, mesh: Mesh) -> Service | None:
    """The service that counts among visible ones of one host: of the own namespace, else Kubernetes', else the oldest.

    Those of the same namespace and kind then add their ports, where nothing else sets them apart.
    """
    if len(services) < 2:
        return services[0] if services else None
    ordered = sorted(services, key=lambda service: "*" in exported(service, mesh))
    winner = ordered[0]
    for service in ordered[1:]:
        better = is_kubernetes(service) and not is_kubernetes(winner) and winner.namespace != namespace
        if better or service.namespace == namespace:
            winner = service
    result: Service | None = None
    for service in ordered:
        if service.namespace == winner.namespace:
            result = joined(result, service)
    return result


def destined(services: Sequence[Service], namespace: str, mesh: Mesh) -> Service | None:
    """The service of one host that a VirtualService's destination means: of the own namespace, else the best visible.

    services: the oldest first. A Kubernetes Service comes before others, then age counts (sidecar.go,
    pickBestVisibleNamespace).
    """
    own_service = _indexed(services, mesh).get(namespace)
    return own_service or min(
        by_name(services, namespace, mesh), key=lambda service: not is_kubernetes(service), default=None
    )


def by_name(services: Sequence[Service], namespace: str, mesh: Mesh) -> list[Service]:
    """The visible services of one host, one of each namespace, as istiod finds them by their host, the oldest first.

    services: the oldest first.
    """
    candidates = _indexed(services, mesh).values()
    return sorted((service for service in candidates if visible(service, namespace, mesh)), key=age_order)


def _indexed(services: Sequence[Service], mesh: Mesh) -> Mapping[str, Service]:
    """By namespace the service of one host: Kubernetes', else the oldest (push_context.go, HostnameAndNamespace)."""
    by_namespace: dict[str, Service] = {}
    for service in services:
        if is_kubernetes(service) or (served(service.labels, mesh) and service.namespace not in by_namespace):
            by_namespace[service.namespace] = service
    return by_namespace


def is_dynamic(service: Service) -> bool:
    """Whether a sidecar asks for the address of each host that the service's wildcard covers, when it is called."""
    return service.resolution == "DYNAMIC_DNS" and is_wildcard(service.host)


def clustered(service: Service) -> tuple[ServicePort, ...]:
    """The ports for which a sidecar gets a cluster, to which a rule can apply (cluster.go, buildOutboundClusters)."""
    if service.external_name:
        return ()
    if is_dynamic(service):
        return tuple(port for port in service.ports if port.protocol in _DYNAMIC_PROTOCOLS)
    return tuple(port for port in service.ports if port.protocol != "UDP")


def joined(known: Service | None, other: Service) -> Service:
    """The service with the ports of another of the same host added, if the two can be one; else the known one."""
    if known is None or (is_kubernetes(other) and not is_kubernetes(known)):
        return other
    if known is other or is_kubernetes(known) != is_kubernetes(other) or not _mergeable(known, other):
        return known
    numbers = {port.number for port in known.ports}
    added = tuple(port for port in other.ports if port.number not in numbers)
    return replace(known, ports=(*known.ports, *added)) if added else known


def _mergeable(service: Service, other: Service) -> bool:
    return (
        service.namespace == other.namespace
        and service.resolution == other.resolution
        and service.labels == other.labels
        and set(service.export_to) == set(other.export_to)
    )


def age_order(service: Service) -> tuple[str, str, str, str]:
    """Sorts as push_context.go, SortServicesByCreationTime: a ServiceEntry's service has its host for a name."""
    name = service.ref.name if is_kubernetes(service) else service.host
    return (service.created or "~", name, service.namespace, service.ref.name)
