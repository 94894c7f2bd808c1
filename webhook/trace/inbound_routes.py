"""The plaintext calls of any client that can end at a host: calls to it, and calls that VirtualServices route to it.

The calls of a namespace without VirtualServices and of every namespace that may have private ones are computed, so that
no route is overlooked. `istio.pilot.client_config` computes the calls of one workload.
"""

from collections.abc import Iterator

from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.host_config import chosen
from webhook.istio.pilot.hosts import is_wildcard
from webhook.istio.pilot.route_resolution import Call, End, http_calls
from webhook.istio.pilot.shared_config import STRANGER
from webhook.istio.pilot.virtual_services import Caller
from webhook.model.mesh import Service, ServicePort, VirtualService

_KINDS = ("http", "tcp")


def arrivals(config: IstioConfig, host: str, namespace: str) -> tuple[Call, ...]:
    """The plaintext calls that end at the host. namespace: of a DestinationRule for it."""
    naming = tuple(config.routes.naming(host).values())
    called = dict.fromkeys((host, *(name for route in naming for name in config.routes.hosts(route))))
    callers = dict.fromkeys((STRANGER, namespace, *_namespaces(config, host), *_granted(naming)))
    calls = [call for caller in callers for name in called for call in _calls(config, name, caller)]
    calls.extend(call for route in naming for call in _unlisted(config, route))
    return tuple(dict.fromkeys(call for call in calls if call.host == host and call.end is End.SERVICE))


def _namespaces(config: IstioConfig, host: str) -> Iterator[str]:
    return (service.namespace for service in config.services.of_host(host))


def _granted(routes: tuple[VirtualService, ...]) -> Iterator[str]:
    for route in routes:
        yield route.ref.namespace
        yield from (name for name in route.export_to if name not in ("*", ".", "~"))


def _calls(config: IstioConfig, host: str, namespace: str) -> tuple[Call, ...]:
    def known(name: str) -> Service | None:
        return chosen(config, namespace, name, None)

    return http_calls(config.routes, Caller(namespace, config.mesh), host, known)


def _unlisted(config: IstioConfig, route: VirtualService) -> Iterator[Call]:
    """The calls to those hosts of a VirtualService for which there is no service."""
    if all(is_wildcard(host) or host in config.services for host in config.routes.hosts(route)):
        return
    for branch in route.routes:
        for target in branch.targets if branch.kind in _KINDS else ():
            host = config.routes.resolve(target.host, route)
            services = config.services.of_host(host)
            ports = [port for service in services for port in service.ports if target.port in (None, port.number)]
            for port in ports:
                called = ServicePort(port.number, protocol="HTTP" if branch.kind == "http" else "TCP")
                yield Call(
                    called, End.SERVICE, host, port.number, target.subset, route.ref, target.path, branch.conditional
                )
