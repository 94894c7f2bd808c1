"""The port for which a DestinationRule originates TLS is a port to which applications send plain HTTP.

## Why

A port of protocol HTTPS or TLS is meant for applications that use TLS themselves. The TLS of the DestinationRule is
then added around the TLS of the application, and the partner, which expects HTTP inside, closes the connection.
mtls-guard cannot see what the application sends, so this rule only warns. If a gateway sends calls to the host, the
DestinationRule is correct: the gateway sends HTTP there, whatever the protocol of the port.

## Fix

Let the application call the port with `http://`, and declare the protocol (port name `http-partner`, or `appProtocol:
http`).

## Source

pkg/config/protocol/instance.go (Istio 1.31). Seen with real traffic: https to such a port becomes TLS in TLS.
"""

from collections.abc import Iterator

from webhook.istio.pilot.route_resolution import TLS
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields at most one violation, for a port of protocol HTTPS or TLS that is called without a VirtualService."""
    if not picture.client_settings or not picture.presenting or picture.for_gateway:
        return
    ends = {(origination.service.host, origination.port.number) for origination in picture.used}
    straight = (call for call in picture.calls if call.route is None and (call.host, call.number) in ends)
    call = next((call for call in straight if call.port.protocol in TLS), None)
    if call is not None:
        yield Violation(
            picture.ref,
            "spec.host",
            f"port {call.number} of {call.host} has protocol {call.port.protocol}: where the application opens TLS"
            " itself, the rule's TLS comes on top",
            "call it with http:// and give the port protocol HTTP",
            certain=False,
        )


RULE = RuleMetadata(
    title="A DestinationRule originates TLS on a port with protocol HTTPS",
    severity=Severity.WARN,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
