"""Services by host, and by the namespaces that see them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from webhook.istio.pilot.change_log import Change
from webhook.istio.pilot.cow_map import CopyOnWriteMap
from webhook.istio.pilot.hosts import is_wildcard
from webhook.istio.pilot.services import age_order, exported, visible
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Mesh, Service

_Key = tuple[str, str, str]
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
        self._peculiar: CopyOnWriteMap[str, str, None] = CopyOnWriteMap()
        self._unsaid: CopyOnWriteMap[str, str, None] = CopyOnWriteMap()
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
        remaining = tuple(present for present in self._by_host.get(service.host, ()) if _key(present.ref) != key)
        hosts = self._hosts_of.get(key, ())
        self._hosts_of[key] = hosts if service.host in hosts else (*hosts, service.host)
        self._set(service.host, tuple(sorted((*remaining, service), key=age_order)))

    def remove(self, ref: ObjectRef) -> None:
        """Forgets every service of the object; nothing happens when there is none."""
        key = _key(ref)
        for host in self._hosts_of.pop(key, ()):
            self._set(host, tuple(service for service in self._by_host[host] if _key(service.ref) != key))

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
        return [service for service in self._exported_to(host, namespace, mesh) if visible(service, namespace, mesh)]

    def _exported_to(self, host: str, namespace: str, mesh: Mesh) -> Iterable[Service]:
        """All services of the host that may be exported to the namespace, perhaps others too, the oldest first."""
        services = self.of_host(host)
        if len(services) < _MANY:
            return services
        key = (host, tuple(mesh.default_service_export_to))
        cached = self._exported.get(key)
        if cached is None or cached[0] is not services:
            cached = self._exported[key] = (services, _places(services, mesh))
        places = sorted({*cached[1].get("*", ()), *cached[1].get(namespace, ())})
        return (services[place] for place in places)

    def of_object(self, ref: ObjectRef) -> tuple[Service, ...]:
        """The services that one Service or ServiceEntry makes."""
        key = _key(ref)
        services = (service for host in self._hosts_of.get(key, ()) for service in self._by_host[host])
        return tuple(service for service in services if _key(service.ref) == key)

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
            self._exported = {key: cached for key, cached in self._exported.items() if key[0] != host}
        self._shared.pop(host, None)
        if len(services) > 1:
            self._shared[host] = None
        self.at = self.at.then(host)

    def _content(self) -> tuple[object, ...]:
        hosts_of = {key: frozenset(hosts) for key, hosts in self._hosts_of.items()}
        return (self._by_host, hosts_of, self._peculiar, self._unsaid)


def _places(services: Sequence[Service], mesh: Mesh) -> Mapping[str, tuple[int, ...]]:
    """By namespace, or `*`, the places of the services that are exported to it."""
    places_by_namespace: dict[str, list[int]] = {}
    for place, service in enumerate(services):
        for name in exported(service, mesh):
            places_by_namespace.setdefault(service.namespace if name == "." else name, []).append(place)
    return {name: tuple(places) for name, places in places_by_namespace.items()}


def _peculiar_to(services: tuple[Service, ...]) -> set[str]:
    """Namespaces that see the host otherwise than a stranger: named ones, and owners where that can matter."""
    namespaces: set[str] = set()
    for service in services:
        if len(services) > 1 or (service.export_to and "*" not in service.export_to):
            namespaces.add(service.namespace)
        namespaces.update(name for name in service.export_to if name not in ("*", ".", "~"))
    return namespaces


def _key(ref: ObjectRef) -> _Key:
    return (ref.kind, ref.namespace, ref.name)
