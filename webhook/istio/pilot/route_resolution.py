"""Where one call of the application ends: through which VirtualService, at which service port and subset.

The tls block that applies there is in `client_config`.
Behaviour: Istio 1.31, pilot/pkg/networking/core/route; what leaves
without meeting any rule was seen with real traffic (Istio 2026-08-27).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from webhook.istio.pilot.services import is_kubernetes
from webhook.istio.pilot.virtual_services import Caller, RouteIndex
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Route, RouteTarget, Service, ServicePort, VirtualService

HTTP = frozenset({"HTTP", "HTTP2", "HTTP_PROXY", "GRPC", "GRPC-WEB", ""})
"""Protocols that are routed as http; '' is told from the traffic."""

TLS = frozenset({"HTTPS", "TLS"})
"""Protocols in which the application itself speaks TLS."""

_Known = Callable[[str], Service | None]


class End(StrEnum):
    """What stands at the end of a call."""

    SERVICE = "service"  # a port and subset of a known service; its DestinationRule holds
    PASSTHROUGH = "passthrough"  # leaves as it is, by its address; no DestinationRule holds
    UNKNOWN = "unknown"  # a destination that no service stands for
    NOWHERE = "nowhere"  # redirected, or answered by the sidecar itself


@dataclass(frozen=True, slots=True)
class Call:
    """One way that a call to a port can take. port: that the application calls; number: that it ends at.

    route: the VirtualService that led there, path its field, '' when it goes straight. conditional: only for some
    requests, by path, header or caller.
    """

    port: ServicePort
    end: End
    host: str
    number: int
    subset: str = ""
    route: ObjectRef | None = None
    path: str = ""
    conditional: bool = False


def http_calls(routes: RouteIndex, caller: Caller, host: str, service_of: _Known) -> tuple[Call, ...]:
    """The ways that plain http calls to each port of a host take. service_of: the caller's service of a host.

    To a port of protocol HTTPS or TLS of a ServiceEntry without addresses no listener fits: the call passes through.
    """
    service = service_of(host)
    return tuple(call for port in _ports(service) for call in _http(routes, caller, host, (port, service_of)))


def tls_calls(routes: RouteIndex, caller: Caller, host: str, service_of: _Known) -> tuple[Call, ...]:
    """The ways that https calls take to those ports of a host that are made for them, by SNI."""
    service = service_of(host)
    ports = [port for port in _ports(service) if port.protocol in TLS]
    return tuple(call for port in ports for call in _routed(routes, caller, host, (port, service_of, ("tls",))))


def _ports(service: Service | None) -> tuple[ServicePort, ...]:
    return tuple(port for port in service.ports if port.protocol != "UDP") if service else ()


def _http(routes: RouteIndex, caller: Caller, host: str, to: tuple[ServicePort, _Known]) -> Iterator[Call]:
    port, service_of = to
    service = service_of(host)
    if port.protocol in HTTP:
        yield from _routed(routes, caller, host, (port, service_of, ("http",)))
    elif port.protocol in TLS and service and not service.addresses and not is_kubernetes(service):
        yield Call(port, End.PASSTHROUGH, host, port.number)
    else:
        yield from _routed(routes, caller, host, (port, service_of, ("tcp",)))


def _routed(
    routes: RouteIndex, caller: Caller, host: str, to: tuple[ServicePort, _Known, tuple[str, ...]]
) -> Iterator[Call]:
    """The first routes that fit, up to one without conditions; straight to the port when none fits it."""
    port, known, kinds = to

    def fitting(virtual_service: VirtualService) -> list[Route]:
        return [one for one in routes.routes_of(virtual_service, caller.mesh) if _fits(one, port, kinds)]

    governing = routes.governing(host, caller, lambda one: bool(fitting(one)))
    if governing is None:
        yield Call(port, End.SERVICE, host, port.number)
        return
    for route in fitting(governing):
        yield from _ends(routes, governing, route, (port, known))
        if not route.conditional:
            return


def _fits(route: Route, port: ServicePort, kinds: tuple[str, ...]) -> bool:
    meshed = not route.gateways or "mesh" in route.gateways
    return route.kind in kinds and meshed and (not route.ports or port.number in route.ports)


def _ends(
    routes: RouteIndex, governing: VirtualService, route: Route, to: tuple[ServicePort, _Known]
) -> Iterator[Call]:
    port, service_of = to
    targets = [target for target in route.targets if ".mirror" not in target.path]
    if not targets:
        yield Call(port, End.NOWHERE, "", 0, "", governing.ref, "", route.conditional)
    for target in targets:
        host = routes.resolve(target.host, governing)
        service = service_of(host)
        end = End.SERVICE if service else End.UNKNOWN
        number = _number(target, service, port)
        yield Call(port, end, host, number, target.subset, governing.ref, target.path, route.conditional)


def _number(target: RouteTarget, service: Service | None, port: ServicePort) -> int:
    """The service port that a destination means: its own, that of a service with one port, else the one called."""
    if target.port is not None:
        return target.port
    return service.ports[0].number if service and len(service.ports) == 1 else port.number
