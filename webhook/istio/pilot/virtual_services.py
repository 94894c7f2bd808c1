"""VirtualServices by host and by destination: which one governs a host, and who names a host or subset as destination.

Where one call ends is computed in `route_resolution`.
Behaviour: Istio 1.31, pilot/pkg/model/push_context.go and virtualservice.go.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from webhook.istio.pilot.change_log import Change
from webhook.istio.pilot.cow_map import CopyOnWriteMap
from webhook.istio.pilot.hosts import covering, is_wildcard, resolve
from webhook.istio.pilot.services import served
from webhook.istio.pilot.sidecar_scope import Listener, Scope
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Mesh, Route, RouteTarget, VirtualService

_Key = tuple[str, str]
_MESH = "mesh"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call: sidecars of one namespace under one Sidecar's scope, None for everything visible."""

    namespace: str
    mesh: Mesh
    scope: Scope | None = None


class RouteIndex:
    """VirtualServices by host and destination. at: the state, to ask what changed since."""

    def __init__(self, cluster_domain: str = "cluster.local") -> None:
        """An index without VirtualServices. cluster_domain: completes short hosts."""
        self.cluster_domain = cluster_domain
        self._all: dict[_Key, VirtualService] = {}
        self._hosts: CopyOnWriteMap[str, _Key, VirtualService] = CopyOnWriteMap()
        self._wild: dict[str, int] = {}
        self._resolved: dict[_Key, tuple[str, ...]] = {}
        self._destinations: CopyOnWriteMap[str, _Key, VirtualService] = CopyOnWriteMap()
        self.at = Change()

    def __eq__(self, other: object) -> bool:
        """Two indexes are equal when they hold the same VirtualServices."""
        return isinstance(other, RouteIndex) and self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, route: VirtualService) -> None:
        """Adds the VirtualService, or replaces the one of the same name."""
        self.remove(route.ref)
        key = _key(route.ref)
        self._all[key], self._resolved[key] = route, tuple(self.hosts(route))
        for host in self.hosts(route):
            self._hosts.put(host, key, route)
            if is_wildcard(host):
                self._wild[host] = self._wild.get(host, 0) + 1
        for host in self._targets(route):
            self._destinations.put(host, key, route)
        self.at = self.at.then(*self.hosts(route), *self._targets(route))

    def remove(self, ref: ObjectRef) -> None:
        """Forgets the VirtualService; nothing happens when it is not there."""
        key = _key(ref)
        route = self._all.pop(key, None)
        if route is None:
            return
        del self._resolved[key]
        for host in self.hosts(route):
            self._hosts.drop(host, key)
            if is_wildcard(host):
                self._wild[host] -= 1
                if not self._wild[host]:
                    del self._wild[host]
        for host in self._targets(route):
            self._destinations.drop(host, key)
        self.at = self.at.then(*self.hosts(route), *self._targets(route))

    def copy(self) -> "RouteIndex":
        """The same VirtualServices, to be changed without touching this index."""
        twin = RouteIndex(self.cluster_domain)
        twin._all, twin._wild, twin._resolved = dict(self._all), dict(self._wild), dict(self._resolved)
        twin._hosts, twin._destinations = self._hosts.copy(), self._destinations.copy()
        twin.at = self.at
        return twin

    def in_domain(self, cluster_domain: str) -> "RouteIndex":
        """This index, or one of the same VirtualServices whose short hosts end in another cluster domain."""
        if cluster_domain == self.cluster_domain:
            return self
        twin = RouteIndex(cluster_domain)
        for route in self._all.values():
            twin.put(route)
        return twin

    def get(self, ref: ObjectRef) -> VirtualService | None:
        """The VirtualService of that namespace and name, of whatever apiVersion."""
        return self._all.get(_key(ref))

    def hosts(self, route: VirtualService) -> Iterable[str]:
        """The full hosts of a VirtualService, none twice."""
        return dict.fromkeys(self.resolve(host, route) for host in route.hosts)

    def resolve(self, host: str, route: VirtualService) -> str:
        """The full name of a host that a VirtualService writes."""
        return resolve(host, route.ref.namespace, self.cluster_domain)

    def governing(self, host: str, caller: Caller, fits: Callable[[VirtualService], bool]) -> VirtualService | None:
        """The VirtualService that decides where a sidecar's calls to a host go: the closest, then by export, then age.

        fits: whether it has a route for these calls; another one of the host then decides. Of wildcards, only the
        closest counts.
        """
        exact = [host] if not is_wildcard(host) else []
        for key in (*exact, *covering(host, self._wild)):
            candidates = [candidate for candidate in self._hosts.at(key).values() if self.imported(candidate, caller)]
            candidates.sort(
                key=lambda candidate: (_rank(candidate, caller), candidate.created or "~", _key(candidate.ref)[::-1])
            )
            fitting = next(filter(fits, candidates), None)
            if fitting is not None or (candidates and is_wildcard(key)):
                return fitting
        return None

    def routes_of(self, root: VirtualService, mesh: Mesh) -> Iterator[Route]:
        """The routes of a VirtualService, those of its delegates in their places.

        A route whose delegate does not exist, has hosts of its own or is not exported to the root counts for nothing.
        """
        for route in root.routes:
            if route.delegate is None:
                yield route
                continue
            delegate = self._all.get(route.delegate)
            if delegate is not None and not delegate.hosts and sees(delegate, root.ref.namespace, mesh):
                yield from (
                    _below(route, delegated) for delegated in self._delegated(delegate) if _meet(route, delegated)
                )

    def _delegated(self, delegate: VirtualService) -> Iterator[Route]:
        """The http routes of a delegate, with full hosts; it can have no delegates."""
        for route in delegate.routes:
            if route.kind == "http" and route.delegate is None:
                targets = (replace(target, host=self.resolve(target.host, delegate)) for target in route.targets)
                yield replace(route, targets=tuple(targets))

    def naming(self, host: str) -> Mapping[_Key, VirtualService]:
        """The VirtualServices, visible or not, that name the host as a destination."""
        return self._destinations.at(host)

    def subsets(self, host: str, caller: Caller) -> frozenset[str]:
        """The subsets of a host to which calls of this sidecar are routed."""
        routes = (
            virtual_service for virtual_service in self.naming(host).values() if self.imported(virtual_service, caller)
        )
        return frozenset(
            target.subset
            for route in routes
            for target in _mesh_targets(route)
            if target.subset and self.resolve(target.host, route) == host
        )

    def ports(self, host: str, route: VirtualService) -> frozenset[int]:
        """The ports of a host that a VirtualService names; 0 among them where a destination names none."""
        return frozenset(
            target.port or 0
            for http_route in route.routes
            for target in http_route.targets
            if self.resolve(target.host, route) == host
        )

    def imported(self, route: VirtualService, caller: Caller) -> bool:
        """Whether the caller's sidecar gets the VirtualService at all: for the mesh, exported, and let through."""
        if not sees(route, caller.namespace, caller.mesh):
            return False
        return caller.scope is None or any(self.passes(route, listener) for listener in caller.scope.listeners)

    def passes(self, route: VirtualService, listener: Listener) -> bool:
        """Whether an egress listener lets the VirtualService through."""
        hosts = self._resolved.get(_key(route.ref)) or tuple(self.hosts(route))
        return listener.imports(route.ref.namespace, hosts)

    def _targets(self, route: VirtualService) -> Iterable[str]:
        named = (self.resolve(target.host, route) for target in _mesh_targets(route))
        return dict.fromkeys(named)

    def _content(self) -> tuple[object, ...]:
        return (self.cluster_domain, self._all, self._hosts, self._wild, self._destinations)


def sees(route: VirtualService, namespace: str, mesh: Mesh) -> bool:
    """Whether sidecars of a namespace see the VirtualService, before any Sidecar resource."""
    if (route.gateways and _MESH not in route.gateways) or not served(route.labels, mesh):
        return False
    to = route.export_to or mesh.default_virtual_service_export_to
    if not to or "*" in to:
        return True
    own_namespace = "." in to and route.ref.namespace == namespace
    return "~" not in to and (own_namespace or namespace in to)


def _meet(root: Route, delegated: Route) -> bool:
    """Whether some call can fit the root's route and the delegate's."""
    return not root.ports or not delegated.ports or not set(root.ports).isdisjoint(delegated.ports)


def _below(root: Route, delegated: Route) -> Route:
    """The delegate's route under the conditions of the root's."""
    ports = tuple(port for port in root.ports if port in delegated.ports) if root.ports and delegated.ports else ()
    conditional = root.conditional or delegated.conditional
    return replace(
        delegated, ports=ports or root.ports or delegated.ports, gateways=root.gateways, conditional=conditional
    )


def _rank(route: VirtualService, caller: Caller) -> int:
    """Private VirtualServices of the caller's namespace come first, then those exported to it by name, then public."""
    to = route.export_to or caller.mesh.default_virtual_service_export_to
    if not to or "*" in to:
        return 2
    return 0 if route.ref.namespace == caller.namespace else 1


def _mesh_targets(route: VirtualService) -> Iterable[RouteTarget]:
    """Destinations of every route; which of its gateways a route is for does not keep its services out."""
    return (target for branch in route.routes for target in branch.targets)


def _key(ref: ObjectRef) -> _Key:
    return (ref.namespace, ref.name)
