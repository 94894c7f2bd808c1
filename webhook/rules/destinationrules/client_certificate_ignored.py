"""A `tls` block that names a client certificate has `mode: MUTUAL`.

## Why

With `SIMPLE`, Istio uses TLS without a client certificate and drops `clientCertificate` and `privateKey`.
`ISTIO_MUTUAL` presents the certificate of the mesh, which an external partner does not trust. `DISABLE` sends plain
text. Istio accepts all of them without an error; the first visible error is the partner's rejection.

With `ISTIO_MUTUAL` for a server in the mesh, calls work, and the paths merely have no effect: this rule then warns.

## Fix

Set `mode: MUTUAL`, or remove the paths if no client certificate is needed.

## Source

pilot/pkg/networking/core/cluster_tls.go, `buildUpstreamClusterTLSContext` (Istio 1.31). Seen with real traffic: mode
SIMPLE uses TLS without a client certificate, and the partner rejects the call.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.mesh import TlsSettings
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import ROUTING
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture

EFFECTS = {
    "SIMPLE": "opens TLS without a client certificate",
    "ISTIO_MUTUAL": "presents the mesh's own certificate",
    "DISABLE": "sends plain text",
}


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block whose mode makes its client files void."""
    for tls in picture.client_settings:
        files = tls.files
        if tls.mode not in ("MUTUAL", "") and (files.client_certificate or files.private_key):
            yield _void(picture, tls)


def _void(picture: DestinationPicture, tls: TlsSettings) -> Violation:
    field = "clientCertificate" if tls.files.client_certificate else "privateKey"
    effect = EFFECTS.get(tls.mode, "is no mode of Istio")
    problem = f"{quote(tls.mode)} {effect}, and {field} is ignored"
    leftover = _leftover(picture, tls)
    return Violation(picture.ref, f"{tls.path}.mode", problem, _fix(tls, leftover=leftover), certain=not leftover)


def _leftover(picture: DestinationPicture, tls: TlsSettings) -> bool:
    """Whether the server may be part of the mesh, which knows the mesh's own certificate."""
    return tls.mode == "ISTIO_MUTUAL" and not any(service.external for service in picture.services)


def _fix(tls: TlsSettings, *, leftover: bool) -> str:
    """What to type; MUTUAL would take the mesh's own mTLS away from a server of the mesh."""
    if leftover:
        return f"remove {', '.join(field for field, _ in tls.files.items())} if the server is part of the mesh"
    return 'write "mode: MUTUAL"'


RULE = RuleMetadata(
    title="The TLS mode of a DestinationRule ignores its client certificate",
    severity=Severity.DENY,
    about="destination",
    reads=ROUTING,
)
