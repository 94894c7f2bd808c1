"""A path of a certificate, key or CA holds no `~`.

## Why

Istio joins certificate and key to one name with `~` between them. Another `~` makes its agent misread the name and
present the workload's own mesh identity to the partner: no error anywhere, and a wrong certificate. With a `~` in the
path of the CA, Envoy gets that identity in place of the CA, and is left without any CA. It then verifies nobody: calls
work, and whoever takes the partner's place gets them. Where more than a CA is asked for (`subjectAltNames` of the rule
or of the ServiceEntry, `caCrl`, or no `sni`, which lets Envoy compare the host's name), every call fails instead.

## Fix

Mount the files at a path without `~`, and name that.

## Source

pkg/security/security.go, `SdsCertificateConfigFromResourceName`; security/pkg/nodeagent/cache/secretcache.go,
`generateFileSecret`, and sds/sdsservice.go, `toEnvoySecret` (Istio 1.31). Seen with real traffic: the mesh identity
(SPIFFE) is presented to the partner; with the CA, an impostor whose certificate is of an unknown CA is answered, and
with `subjectAltNames`, `caCrl` or without `sni` every call is a 503.
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
    title="A path with ~ makes the sidecar present its mesh identity, or verify nobody",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
