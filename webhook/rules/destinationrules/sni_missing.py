"""A DestinationRule for a port of protocol TCP sets `sni`.

## Why

For HTTP, the sidecar knows the host name of the call and sends it as SNI if the DestinationRule sets none. On a port of
protocol TCP it does not know the host name, so it sends no SNI and checks no name. Many servers then present the wrong
certificate or close the connection.

## Fix

Add `sni` (and `subjectAltNames`) with the partner's name, or set the protocol of the port to HTTP if the traffic is
HTTP.

## Source

pilot/pkg/networking/core/cluster_tls.go, `setAutoSniAndAutoSanValidation`: an HTTP protocol option (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.pilot.hosts import is_wildcard
from webhook.istio.pilot.route_resolution import HTTP
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import ROUTING
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block without sni at which calls of a port that is not http end."""
    if not picture.client_settings or all(tls.sni for tls in picture.client_settings):
        return
    ends = {
        (origination.service.host, origination.port.number, origination.subset): origination
        for origination in picture.used
        if not origination.tls.sni
    }
    violations: dict[str, Violation] = {}
    for call in picture.calls:
        origination = ends.get((call.host, call.number, call.subset))
        if origination is not None and call.port.protocol not in HTTP and origination.tls.path not in violations:
            problem = f"is missing, and port {call.port.number} has protocol {call.port.protocol}: no SNI is sent"
            fix = _fix(picture, origination.service.host)
            violations[origination.tls.path] = Violation(picture.ref, f"{origination.tls.path}.sni", problem, fix)
    yield from violations.values()


def _fix(picture: DestinationPicture, host: str) -> str:
    """What to type; in a rule for a wildcard, one name would be sent to every host."""
    if is_wildcard(picture.host):
        return f"write a DestinationRule for {host} with its sni, if the server needs one"
    return f'write "sni: {host}"'


RULE = RuleMetadata(
    title="A DestinationRule for a TCP port sends no SNI",
    severity=Severity.WARN,
    about="destination",
    reads=ROUTING,
)
