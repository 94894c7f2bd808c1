"""The DestinationRule has TLS settings for the port to which calls are sent.

## Why

An entry of `portLevelSettings` replaces all other settings of the DestinationRule for its port: an entry without `tls`
(for example for connection limits) disables the top-level `tls` for this port. In addition, a VirtualService may send
calls to another port than the one that the DestinationRule names. In both cases calls leave as plain text, also to port
443.

## Fix

Repeat the `tls` block in the entry of the port to which calls are sent.

## Source

pilot/pkg/networking/util/util.go, `MergeTrafficPolicy` and `GetPortLevelTrafficPolicy` (Istio 1.31). Seen with real
traffic: with a port entry without tls, plain text is sent to port 443.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._ports import ends_at, in_vain, policies
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.trace.destination import DestinationPicture, about_client


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per entry that takes the tls from a port with calls, or one for a rule beside the calls."""
    if not picture.client_settings or not picture.services or picture.for_gateway:
        return
    bare = [*_bare(picture)]
    yield from bare
    if not bare and in_vain(picture):
        yield from _beside(picture)


def _bare(picture: DestinationPicture) -> Iterator[Violation]:
    for policy in policies(picture):
        if policy.tls is None or not about_client(policy.tls):
            continue
        numbers = [entry.number for entry in policy.ports]
        for entry in policy.ports:
            if (
                entry.tls is None
                and entry.number
                and numbers.count(entry.number) == 1
                and ends_at(picture, entry.number)
            ):
                problem = f"port {entry.number} has an entry without tls, which takes {policy.path}.tls away from it"
                fix = "repeat the tls block in the entry"
                certain = not picture.used
                yield Violation(picture.ref, entry.path, f"{problem}: calls leave in plain text", fix, certain)


def _beside(picture: DestinationPicture) -> Iterator[Violation]:
    """The rule's certificate is for one port, and a VirtualService sends calls to another."""
    covered = {origination.port.number for origination in picture.presenting}
    call = next((call for call in picture.calls if call.route and call.number not in covered), None)
    if call is None or call.route is None:
        return
    origination = picture.presenting[0]
    fix = f"write the tls block for port {call.number}"
    other_port = f"but {call.route} sends calls to port {call.number}: they leave in plain text"
    problem = f"is for port {origination.port.number}, {other_port}"
    yield Violation(picture.ref, origination.tls.path, problem, fix, certain=not picture.may_follow(call.route))


RULE = RuleMetadata(
    title="Calls are sent to a port for which the DestinationRule has no TLS settings",
    severity=Severity.DENY,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
