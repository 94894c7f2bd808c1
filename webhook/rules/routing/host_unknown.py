"""The host of a DestinationRule with a client certificate is the host of a Service or a ServiceEntry.

## Why

A DestinationRule takes effect only if Istio knows a service with its host. For an unknown host the sidecar has no
cluster: calls are forwarded to the address unchanged, as plain text. Short names are completed with the namespace of
the DestinationRule, but only if they contain no dot: `partner.egress` is not completed and matches nothing.

## Fix

Create a ServiceEntry for the host, or write the full name of the Service (`partner.egress.svc.cluster.local`).

## Source

pilot/pkg/model/config.go, `ResolveShortnameToFQDN`; pilot/pkg/networking/core/cluster.go (Istio 1.31). Seen with real
traffic: with a misspelt host, plain text is sent to port 443.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._near import meant_host
from webhook.rules._reads import ROUTING
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields at most one violation; certain when everything is in view and nothing more is on its way."""
    if not picture.client_settings or picture.services or not picture.rule.host:
        return
    where = "" if picture.complete else " of this input"
    resolved = "" if picture.host == picture.rule.host else f" ({picture.host})"
    problem = f"no Service and no ServiceEntry{where} has the host {quote(picture.rule.host)}{resolved}"
    until = "" if picture.stage.settled else " until one has"
    yield Violation(
        picture.ref,
        "spec.host",
        f"{problem}: calls bypass the rule, in plain text{until}",
        _fix(picture),
        certain=picture.settled,
    )


def _fix(picture: DestinationPicture) -> str:
    """What to type; of a rule that is being applied, its ServiceEntry may follow."""
    meant = meant_host(picture)
    if picture.stage.settled:
        return f"write {quote(meant)}" if meant else "add a ServiceEntry for it, or correct the host"
    otherwise = f"write {quote(meant)}" if meant else "add one, or correct the host"
    return f"if no ServiceEntry for it follows, {otherwise}"


RULE = RuleMetadata(
    title="No Service or ServiceEntry has the host of a DestinationRule with a client certificate",
    severity=Severity.DENY,
    about="destination",
    reads=ROUTING,
)
