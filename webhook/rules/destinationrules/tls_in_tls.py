"""A port for which a rule opens TLS is one to which applications speak plain http.

## Why

A port of protocol HTTPS or TLS is one to which the application speaks TLS itself. The rule's TLS then goes around it,
and the partner, who expects http inside, closes the connection. The sidecar cannot see the difference, and what the
application does is not in view: so this warns. A rule to whose host a gateway sends calls is right as it is: what the
gateway sends there is http, whatever the port's protocol.

## Fix

Call the port with http:// and say so in its name (`http-partner`, or `appProtocol: http`).

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
    title="A rule opens TLS on a port of protocol HTTPS",
    severity=Severity.WARN,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
