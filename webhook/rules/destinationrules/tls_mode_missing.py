"""A tls block that names a client certificate says its mode.

## Why

`mode` is the first value of its list when it is left out: `DISABLE`. Istio then ignores every other field of the
block, and the call leaves in plain text, also to port 443. Nothing warns of it.

## Fix

Add `mode: MUTUAL` to the tls block.

## Source

api/networking/v1alpha3/destination_rule.proto, `ClientTLSSettings`; pilot/pkg/networking/core/cluster_tls.go (Istio
1.32). Seen with real traffic: mode omitted gives plain text to port 443, which the partner answers with 400.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._fields import lost
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block with client files or a credential and without a mode."""
    for tls in picture.client_settings:
        if not tls.mode and not lost(picture.rule, tls, "mode"):
            yield Violation(
                picture.ref,
                f"{tls.path}.mode",
                "is missing, which means DISABLE: calls leave in plain text",
                'write "mode: MUTUAL"',
            )


RULE = RuleMetadata(
    title="A tls block names a client certificate and lacks its mode, which disables it",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
