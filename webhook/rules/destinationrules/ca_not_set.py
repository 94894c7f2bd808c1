"""A rule says which CA the partner's certificate must come from.

## Why

Without `caCertificates` the sidecar verifies the partner against the CAs of its image, the public ones. A partner
with a private CA then fails verification, and every call answers 503; a partner with a public one works.

## Fix

Name the CA's file (`caCertificates: /etc/mtlsfiles/cacert`), or write `caCertificates: system` to say that the public
CAs are meant.

## Source

pilot/pkg/networking/core/cluster_tls.go: an empty value becomes `system` (Istio 1.21 and later).
Seen with real traffic: no caCertificates with a private CA gives 503, CERTIFICATE_VERIFY_FAILED.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._fields import lost
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block with client files that leaves the CA to the image."""
    for tls in picture.client_settings:
        files = tls.files
        if files.ca_certificates or tls.insecure_skip_verify or tls.credential_name or tls.mode != "MUTUAL":
            continue
        if files.client_certificate and files.private_key and not lost(picture.rule, tls, "caCertificates"):
            yield Violation(
                picture.ref,
                f"{tls.path}.caCertificates",
                "is missing, so only a partner with a certificate of a public CA is trusted",
                'name the file of the partner\'s CA, or write "system" for the public ones',
            )


RULE = RuleMetadata(
    title="A rule leaves the partner's CA to the sidecar's image",
    severity=Severity.WARN,
    about="destination",
    reads=frozenset(),
)
