"""A path of a certificate, key or CA holds no `~`.

## Why

Istio joins certificate and key to one name with `~` between them. Another `~` makes its agent misread the name and
present the workload's own mesh identity to the partner: no error anywhere, and a wrong certificate. In the path of
the CA it makes every verification fail.

## Fix

Mount the files at a path without `~`, and name that.

## Source

pkg/security/security.go, `SdsCertificateConfigFromResourceName` (Istio 1.32). Seen with real traffic: the mesh
identity (SPIFFE) is presented to the partner; with the CA, CERTIFICATE_VERIFY_FAILED.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import Rule
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture

EFFECTS = {"caCertificates": "every verification of the partner fails"}
IDENTITY = "the sidecar presents its mesh identity to the partner instead"


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per path with a `~`, in tls blocks whose files are read."""
    for tls in picture.client_settings:
        if tls.credential_name or tls.mode not in ("SIMPLE", "MUTUAL"):
            continue
        for field, path in tls.files.items():
            if "~" in path and field != "caCrl" and (tls.mode == "MUTUAL" or field == "caCertificates"):
                problem = f'{quote(path)} holds a "~": {EFFECTS.get(field, IDENTITY)}'
                fix = 'mount the files at a path without "~" and write that'
                yield Violation(picture.ref, f"{tls.path}.{field}", problem, fix)


RULE = Rule(
    id="path-with-tilde",
    title="A path with ~ makes the sidecar present its mesh identity",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
    since="0.1",
    docs=__doc__ or "",
    check=check,
)
