"""Which hosts exist, who sees them, and which of several services with one host counts.

Leaves Sidecar resources to `sidecars`, and where a call goes to `routes`. Behaviour: Istio 1.32,
pilot/pkg/model/push_context.go and sidecar.go.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from webhook.istio.changes import Change
from webhook.istio.hosts import is_wildcard
from webhook.istio.shelf import Shelf
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Mesh, Service, ServicePort

_Key = tuple[str, str, str]
_EVERYONE = ("*",)
_DYNAMIC_PROTOCOLS = frozenset({"HTTP", "HTTP2", "GRPC", "TLS"})
_MANY = 8
"""Services of one host from which on they are grouped by the namespaces to which they are exported."""

_Exported = tuple[tuple[Service, ...], Mapping[str, tuple[int, ...]]]
"""The services of a host, and which of them are exported to a namespace, or to all (`*`), by their place."""


class ServiceIndex:
    """Services by host. at: the state, to ask what changed since."""

    def __init__(self) -> None:
        """An index without services."""
        self._by_host: dict[str, tuple[Service, ...]] = {}
        self._hosts_of: dict[_Key, tuple[str, ...]] = {}
        self._peculiar: Shelf[str, str, None] = Shelf()
        self._unsaid: Shelf[str, str, None] = Shelf()
        self._shared: dict[str, None] = {}
        self._exported: dict[tuple[str, tuple[str, ...]], _Exported] = {}
        self.at = Change()

    def __eq__(self, other: object) -> bool:
        """Two indexes are equal when they hold the same services."""
        return isinstance(other, ServiceIndex) and self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, service: Service) -> None:
        """Adds one service in place of the one of the same object and host; remove a changed ServiceEntry first."""
        key = _key(service.ref)
        others = tuple(one for one in self._by_host.get(service.host, ()) if _key(one.ref) != key)
        hosts = self._hosts_of.get(key, ())
        self._hosts_of[key] = hosts if service.host in hosts else (*hosts, service.host)
        self._set(service.host, tuple(sorted((*others, service), key=_age)))

    def remove(self, ref: ObjectRef) -> None:
        """Forgets every service of the object; nothing happens when there is none."""
        key = _key(ref)
        for host in self._hosts_of.pop(key, ()):
            self._set(host, tuple(one for one in self._by_host[host] if _key(one.ref) != key))

    def copy(self) -> "ServiceIndex":
        """The same services, to be changed without touching this index; shares everything unchanged."""
        twin = ServiceIndex()
        twin._by_host, twin._hosts_of = dict(self._by_host), dict(self._hosts_of)
        twin._peculiar, twin._unsaid = self._peculiar.copy(), self._unsaid.copy()
        twin._shared, twin._exported = dict(self._shared), dict(self._exported)
        twin.at = self.at
        return twin

    def __contains__(self, host: object) -> bool:
        """Whether a service has exactly this host."""
        return host in self._by_host

    def __iter__(self) -> Iterator[str]:
        """Every host."""
        return iter(self._by_host)

    def of_host(self, host: str) -> tuple[Service, ...]:
        """The services of exactly this host, the oldest first."""
        return self._by_host.get(host, ())

    def visible(self, host: str, namespace: str, mesh: Mesh) -> list[Service]:
        """The services of exactly this host that sidecars of the namespace see, the oldest first."""
        return [one for one in self._exported_to(host, namespace, mesh) if visible(one, namespace, mesh)]

    def _exported_to(self, host: str, namespace: str, mesh: Mesh) -> Iterable[Service]:
        """All services of the host that may be exported to the namespace, perhaps others too, the oldest first."""
        services = self.of_host(host)
        if len(services) < _MANY:
            return services
        key = (host, tuple(mesh.default_service_export_to))
        known = self._exported.get(key)
        if known is None or known[0] is not services:
            known = self._exported[key] = (services, _places(services, mesh))
        places = sorted({*known[1].get("*", ()), *known[1].get(namespace, ())})
        return (services[place] for place in places)

    def of_object(self, ref: ObjectRef) -> tuple[Service, ...]:
        """The services that one Service or ServiceEntry makes."""
        key = _key(ref)
        held = (one for host in self._hosts_of.get(key, ()) for one in self._by_host[host])
        return tuple(one for one in held if _key(one.ref) == key)

    def hosts(self, pattern: str) -> Iterable[str]:
        """The hosts that a rule's host covers: itself, or those that its wildcard matches."""
        if not is_wildcard(pattern):
            return (pattern,) if pattern in self._by_host else ()
        suffix = pattern[1:]
        return [
            host
            for host in self._by_host
            if host.endswith(suffix) and (host == pattern or host[:1] != "*" or len(host) > len(pattern))
        ]

    def peculiar(self, namespace: str, mesh: Mesh) -> Iterable[str]:
        """Hosts that this namespace may see otherwise than one that has nothing of its own does."""
        yield from self._peculiar.at(namespace)
        default = mesh.default_service_export_to
        if default and "*" not in default:
            yield from (self._by_host if namespace in default else self._unsaid.at(namespace))

    def shared(self) -> Iterable[str]:
        """Hosts of several services, of which a Sidecar may leave another one than the first."""
        return self._shared

    def _set(self, host: str, services: tuple[Service, ...]) -> None:
        for namespace in _peculiar_to(self._by_host.get(host, ())):
            self._peculiar.drop(namespace, host)
        for service in self._by_host.get(host, ()):
            self._unsaid.drop(service.namespace, host)
        self._by_host[host] = services
        for namespace in _peculiar_to(services):
            self._peculiar.put(namespace, host, None)
        for service in services:
            if not service.export_to:
                self._unsaid.put(service.namespace, host, None)
        if not services:
            del self._by_host[host]
            self._exported = {key: known for key, known in self._exported.items() if key[0] != host}
        self._shared.pop(host, None)
        if len(services) > 1:
            self._shared[host] = None
        self.at = self.at.then(host)

    def _content(self) -> tuple[object, ...]:
        held = {key: frozenset(hosts) for key, hosts in self._hosts_of.items()}
        return (self._by_host, held, self._peculiar, self._unsaid)


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


def _places(services: Sequence[Service], mesh: Mesh) -> Mapping[str, tuple[int, ...]]:
    """By namespace, or `*`, the places of the services that are exported to it."""
    found: dict[str, list[int]] = {}
    for place, service in enumerate(services):
        for name in exported(service, mesh):
            found.setdefault(service.namespace if name == "." else name, []).append(place)
    return {name: tuple(places) for name, places in found.items()}


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
    found: Service | None = None
    for service in ordered:
        if service.namespace == winner.namespace:
            found = joined(found, service)
    return found


def destined(services: Sequence[Service], namespace: str, mesh: Mesh) -> Service | None:
    """The service of one host that a VirtualService's destination means: of the own namespace, else the best visible.

    services: the oldest first. A Kubernetes Service comes before others, then age counts (sidecar.go,
    pickBestVisibleNamespace).
    """
    own = _indexed(services, mesh).get(namespace)
    return own or min(by_name(services, namespace, mesh), key=lambda one: not is_kubernetes(one), default=None)


def by_name(services: Sequence[Service], namespace: str, mesh: Mesh) -> list[Service]:
    """The visible services of one host, one of each namespace, as istiod finds them by their host, the oldest first.

    services: the oldest first.
    """
    found = _indexed(services, mesh).values()
    return sorted((one for one in found if visible(one, namespace, mesh)), key=_age)


def _indexed(services: Sequence[Service], mesh: Mesh) -> Mapping[str, Service]:
    """By namespace the service of one host: Kubernetes', else the oldest (push_context.go, HostnameAndNamespace)."""
    found: dict[str, Service] = {}
    for service in services:
        if is_kubernetes(service) or (served(service.labels, mesh) and service.namespace not in found):
            found[service.namespace] = service
    return found


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


def _mergeable(one: Service, other: Service) -> bool:
    return (
        one.namespace == other.namespace
        and one.resolution == other.resolution
        and one.labels == other.labels
        and set(one.export_to) == set(other.export_to)
    )


def _peculiar_to(services: tuple[Service, ...]) -> set[str]:
    """Namespaces that see the host otherwise than a stranger: named ones, and owners where that can matter."""
    found: set[str] = set()
    for service in services:
        if len(services) > 1 or (service.export_to and "*" not in service.export_to):
            found.add(service.namespace)
        found.update(name for name in service.export_to if name not in ("*", ".", "~"))
    return found


def _key(ref: ObjectRef) -> _Key:
    return (ref.kind, ref.namespace, ref.name)


def _age(service: Service) -> tuple[str, str, str, str]:
    """Sorts as push_context.go, SortServicesByCreationTime: a ServiceEntry's service has its host for a name."""
    name = service.ref.name if is_kubernetes(service) else service.host
    return (service.created or "~", name, service.namespace, service.ref.name)
