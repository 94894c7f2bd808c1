"""Plain HTTP calls reach the port for which a DestinationRule presents the client certificate.

## Why

For TLS origination, the application sends plain HTTP and the sidecar adds TLS. At a port of protocol HTTPS or TLS of a
ServiceEntry without addresses, the sidecar expects TLS from the application: plain HTTP matches no listener and is
forwarded unchanged, and HTTPS becomes TLS inside TLS. Such a port therefore works only if a VirtualService routes HTTP
calls to it.

## Fix

Add a port 80 of protocol HTTP to the ServiceEntry and route it to port 443 in a VirtualService. Alternatively, declare
a port of protocol HTTP with `targetPort: 443`, and use that port in the DestinationRule.

## Source

Seen with real traffic (Istio of August 2026): plain http to such a port leaves as plain text through
PassthroughCluster; https to it is TLS in TLS.
"""

from collections.abc import Iterator

from webhook.istio.pilot.route_resolution import HTTP, TLS
from webhook.model.finding import Severity, Violation
from webhook.model.mesh import Service
from webhook.model.rule import RuleMetadata
from webhook.rules._ports import in_vain
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields at most one violation, for a rule none of whose ports a plain call comes to."""
    if not picture.client_settings or not in_vain(picture) or picture.for_gateway:
        return
    if any(call.route for call in picture.calls) or any(
        origination.port.protocol not in TLS for origination in picture.presenting
    ):
        return
    origination = picture.presenting[0]
    port, captured = origination.port, picture.view.mesh.proxy_metadata.get("ISTIO_META_DNS_CAPTURE") == "true"
    where = "" if picture.complete else " of this input"
    yield Violation(
        picture.ref,
        origination.tls.path,
        f"port {port.number} is {port.protocol}, and no VirtualService{where} sends http calls to it: they"
        " leave in plain text",
        _fix(port.number, origination.service),
        certain=picture.settled and not captured,
    )


def _fix(port: int, service: Service) -> str:
    """What to type; a VirtualService can only lead a call on that comes to a port of the service."""
    if port == 80:
        return "make its protocol HTTP"
    plain = next((candidate.number for candidate in service.ports if candidate.protocol in HTTP), None)
    road = f"route port {plain} to {port}" if plain else f"add an HTTP port 80 to {service.ref}, route it to {port}"
    return f"{road} in a VirtualService, or make it HTTP with targetPort {port}"


RULE = RuleMetadata(
    title="Plain HTTP calls do not reach the port for which the client certificate is configured",
    severity=Severity.DENY,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
