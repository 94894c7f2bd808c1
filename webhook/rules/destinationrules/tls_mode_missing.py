"""A `tls` block that names a client certificate sets its mode.

## Why

If `mode` is omitted, it is `DISABLE`, the first value of the enumeration. Istio then ignores all other fields of the
block, and calls leave as plain text, also to port 443. Istio does not report this.

## Fix

Add `mode: MUTUAL` to the `tls` block.

## Source

api/networking/v1alpha3/destination_rule.proto, `ClientTLSSettings`; pilot/pkg/networking/core/cluster_tls.go (Istio
1.32). Seen with real traffic: without mode, plain text is sent to port 443, and the partner responds with 400.
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
    title="A tls block names a client certificate without a mode, which disables TLS",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
