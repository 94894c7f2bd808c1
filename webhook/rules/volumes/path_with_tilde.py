"""A path of a certificate, private key or CA contains no `~`.

## Why

Istio joins the paths of certificate and private key into one resource name with `~` between them. With another `~` in a
path, Istio's agent misinterprets the name and presents the workload's own mesh certificate to the partner, without any
error. With a `~` in the path of the CA, Envoy gets the mesh certificate instead of the CA and has no CA at all. It then
accepts any server: calls work, and a server that impersonates the partner receives them. If more than the CA is checked
(`subjectAltNames` of the DestinationRule or the ServiceEntry, `caCrl`, or the host name if `sni` is not set), every
call fails instead.

## Fix

Mount the files at a path without `~`, and use that path.

## Source

pkg/security/security.go, `SdsCertificateConfigFromResourceName`; security/pkg/nodeagent/cache/secretcache.go,
`generateFileSecret`, and sds/sdsservice.go, `toEnvoySecret` (Istio 1.31). Seen with real traffic: the mesh certificate
(SPIFFE) is presented to the partner; with the CA, a server with a certificate of an unknown CA receives the calls, and
with `subjectAltNames`, `caCrl` or without `sni` every call fails with 503.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.mesh import TlsSettings
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture

IDENTITY = "the sidecar presents its mesh identity to the partner instead"
NOBODY = "the sidecar has no CA then, and verifies nobody: whoever answers gets the calls"
FAILS = "the sidecar has no CA then, and every call fails"


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per path with a `~`, in tls blocks whose files are read."""
    for tls in picture.client_settings:
        if tls.credential_name or tls.mode not in ("SIMPLE", "MUTUAL"):
            continue
        for field, path in tls.files.items():
            if "~" in path and _is_read(tls, field):
                problem = f'{quote(path)} holds a "~": {_effect(tls, field)}'
                fix = 'mount the files at a path without "~" and write that'
                yield Violation(picture.ref, f"{tls.path}.{field}", problem, fix)


def _is_read(tls: TlsSettings, field: str) -> bool:
    """Whether Istio makes a name of this path."""
    return not tls.insecure_skip_verify if field == "caCertificates" else tls.mode == "MUTUAL" and field != "caCrl"


def _effect(tls: TlsSettings, field: str) -> str:
    """What it leads to."""
    if field != "caCertificates":
        return IDENTITY
    return NOBODY if tls.sni and not (tls.subject_alt_names or tls.files.ca_crl) else FAILS


RULE = RuleMetadata(
    title="A path with ~ makes the sidecar use its mesh certificate, or accept any server",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
