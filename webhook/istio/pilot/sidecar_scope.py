"""Sidecar resources: which one a pod gets, and which services and VirtualServices its egress lets through.

Leaves which of several services of one host counts to `services`. Behaviour: Istio 1.31, pilot/pkg/model/sidecar.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from webhook.istio.pilot.cow_map import CopyOnWriteMap
from webhook.istio.pilot.destination_rules import selects
from webhook.istio.pilot.hosts import is_wildcard, matches, overlaps
from webhook.istio.pilot.services import served
from webhook.model.finding import ObjectRef
from webhook.model.mesh import EgressListener, Mesh, Service, Sidecar

_EVERY = "*"


class SidecarIndex:
    """Sidecar resources by namespace."""

    def __init__(self) -> None:
        """An index without Sidecars."""
        self._held: CopyOnWriteMap[str, str, Sidecar] = CopyOnWriteMap()

    def __eq__(self, other: object) -> bool:
        """Two indexes are equal when they hold the same Sidecars."""
        return isinstance(other, SidecarIndex) and self._held == other._held

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, sidecar: Sidecar) -> None:
        """Adds the Sidecar, or replaces the one of the same name."""
        self._held.put(sidecar.ref.namespace, sidecar.ref.name, sidecar)

    def remove(self, ref: ObjectRef) -> None:
        """Forgets the Sidecar; nothing happens when it is not there."""
        self._held.drop(ref.namespace, ref.name)

    def get(self, ref: ObjectRef) -> Sidecar | None:
        """The Sidecar of that namespace and name."""
        return self._held.at(ref.namespace).get(ref.name)

    def copy(self) -> "SidecarIndex":
        """The same Sidecars, to be changed without touching this index."""
        twin = SidecarIndex()
        twin._held = self._held.copy()
        return twin

    def of_namespace(self, namespace: str) -> tuple[Sidecar, ...]:
        """The Sidecars of a namespace in the order in which istiod tries them: with selector first, then by age."""
        return tuple(sorted(self._held.at(namespace).values(), key=_rank))

    def choose(self, namespace: str, labels: Mapping[str, str], mesh: Mesh) -> Sidecar | None:
        """The Sidecar of a pod: the first of its namespace that picks it, else the root namespace's, else None.

        One that is labelled for a revision that does not exist is read by nobody.
        """
        for sidecar in self.of_namespace(namespace):
            if served(sidecar.labels, mesh) and (sidecar.selector is None or selects(sidecar.selector, labels)):
                return sidecar
        root = (candidate for candidate in self.of_namespace(mesh.root_namespace) if served(candidate.labels, mesh))
        return next((candidate for candidate in root if candidate.selector is None), None)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts of one listener for services of one namespace, or of all (`*`)."""

    exact: frozenset[str] = frozenset()
    wild: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def covers(self, host: str) -> bool:
        """Whether a service's host is let through, exclusions aside."""
        return host in self.exact or (bool(self.wild) and any(matches(pattern, host) for pattern in self.wild))

    def excludes(self, host: str) -> bool:
        """Whether an entry with `~` takes the host away again."""
        return any(matches(pattern, host) for pattern in self.excluded)

    def touches(self, host: str) -> bool:
        """Whether a VirtualService's host is let through: there, either side may be the wider one."""
        patterns = (*self.exact, *self.wild) if is_wildcard(host) else self.wild
        return host in self.exact or any(overlaps(pattern, host) for pattern in patterns)


_NONE = Hosts()


@dataclass(frozen=True, slots=True)
class Listener:
    """One egress listener as it filters. port: to which services are trimmed, None for all of their ports."""

    hosts: Mapping[str, Hosts]
    port: int | None = None

    @property
    def by_name(self) -> bool:
        """Whether every entry has one namespace and one host, so that istiod finds the services by name.

        Source: sidecar.go, servicesForExactHosts.
        """
        return not any(hosts.wild for hosts in self.hosts.values()) and not self.hosts.get(_EVERY, _NONE).exact

    def selects(self, namespace: str, host: str) -> bool:
        """Whether a service of that namespace and host is let through."""
        passes = False
        for name in (namespace, _EVERY):
            hosts = self.hosts.get(name)
            if hosts is None:
                continue
            if hosts.excluded and hosts.excludes(host):
                return False
            passes = passes or hosts.covers(host)
        return passes

    def imports(self, namespace: str, hosts: tuple[str, ...]) -> bool:
        """Whether a VirtualService of that namespace with these hosts is let through."""
        filters = [filter_hosts for name in (namespace, _EVERY) if (filter_hosts := self.hosts.get(name))]
        return any(
            any(filter_hosts.touches(host) for filter_hosts in filters)
            and not any(filter_hosts.excludes(host) for filter_hosts in filters)
            for host in hosts
        )

    def trim(self, service: Service, ports: frozenset[int] | None = None) -> Service | None:
        """The service with the ports that are let through, None if it has none of them.

        ports: those that a VirtualService names, None for all; they count where the listener has no port.
        """
        numbers = ports if self.port is None else frozenset({self.port})
        if numbers is None or 0 in numbers:
            return service
        remaining = tuple(port for port in service.ports if port.number in numbers)
        if len(remaining) == len(service.ports):
            return service if remaining else None
        return replace(service, ports=remaining) if remaining else None


@dataclass(frozen=True, slots=True)
class Scope:
    """The egress of one Sidecar for one client namespace."""

    sidecar: Sidecar
    listeners: tuple[Listener, ...]

    @property
    def trims(self) -> bool:
        """Whether some listener lets only one port of its services through."""
        return any(listener.port is not None for listener in self.listeners)

    def selects(self, service: Service) -> bool:
        """Whether some listener lets the service's host through, whatever the port."""
        return any(listener.selects(service.namespace, service.host) for listener in self.listeners)


def scope_of(sidecar: Sidecar | None, namespace: str) -> Scope | None:
    """How a Sidecar filters for a client namespace; None when everything visible passes, as without any Sidecar."""
    if sidecar is None or not sidecar.egress:
        return None
    listeners = tuple(_listener(listener, namespace) for listener in sidecar.egress)
    if any(one.port is None and one.hosts == _ALL for one in listeners):
        return None
    return Scope(sidecar, listeners)


def _listener(listener: EgressListener, namespace: str) -> Listener:
    hosts_by_namespace: dict[str, Hosts] = {}
    for pattern in listener.hosts:
        owner, slash, host = pattern.partition("/")
        if not slash or "/" in host:
            continue
        excluded = owner.startswith("~")
        owner = (owner[1:] or _EVERY) if excluded else owner
        owner = namespace if owner == "." else owner
        hosts_by_namespace[owner] = _with(hosts_by_namespace.get(owner, Hosts()), host, excluded=excluded)
    return Listener(hosts_by_namespace, listener.port)


def _with(hosts: Hosts, host: str, *, excluded: bool) -> Hosts:
    if excluded:
        return replace(hosts, excluded=(*hosts.excluded, host))
    if is_wildcard(host):
        return replace(hosts, wild=(*hosts.wild, host))
    return replace(hosts, exact=hosts.exact | {host})


def _rank(sidecar: Sidecar) -> tuple[bool, str, str]:
    return (sidecar.selector is None, sidecar.created or "~", sidecar.ref.name)


_ALL: Mapping[str, Hosts] = {_EVERY: Hosts(wild=(_EVERY,))}
OPEN = Listener(_ALL)
"""The listener of pods without any Sidecar: `*/*`."""
