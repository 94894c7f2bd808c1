"""A `tls` block with `mode: MUTUAL` names both the client certificate and the private key.

## Why

If one of the two is missing, Istio cannot build the TLS context. It writes an error to its own log and configures the
connection without TLS: calls leave as plain text. Istio's validation webhook normally rejects such a DestinationRule,
but not if it is disabled or is not called for the namespace.

## Fix

Add the missing path. Both files come from the same Secret.

## Source

pilot/pkg/networking/core/cluster_tls.go, `applyUpstreamTLSSettings`; pkg/config/validation/agent/validation.go (Istio
1.32).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._fields import lost
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block of mode MUTUAL that lacks certificate or key."""
    for tls in picture.client_settings:
        if tls.mode != "MUTUAL" or tls.credential_name:
            continue
        named = (("clientCertificate", tls.files.client_certificate), ("privateKey", tls.files.private_key))
        missing = [field for field, path in named if not path and not lost(picture.rule, tls, field)]
        if missing:
            neither = len(missing) > 1
            yield Violation(
                picture.ref,
                tls.path if neither else f"{tls.path}.{missing[0]}",
                f"{'names neither certificate nor key' if neither else 'is missing'}, so Istio drops the whole TLS:"
                " calls leave in plain text",
                "add the paths of clientCertificate and privateKey" if neither else "add the path of its file",
            )


RULE = RuleMetadata(
    title="A tls block with mode MUTUAL lacks the client certificate or the private key",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
