"""A DestinationRule names the CA that verifies the partner's certificate.

## Why

Without `caCertificates`, the sidecar verifies the partner with the public CA certificates of its image. If the
partner's certificate comes from a private CA, verification fails, and every call fails with HTTP 503. A certificate
from a public CA works.

## Fix

Name the CA file (`caCertificates: /etc/mtlsfiles/cacert`), or write `caCertificates: system` to state that the public
CAs are intended.

## Source

pilot/pkg/networking/core/cluster_tls.go: an empty value becomes `system` (Istio 1.21 and later). Seen with real
traffic: no caCertificates with a private CA causes 503, CERTIFICATE_VERIFY_FAILED.
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
    title="A DestinationRule does not name the CA of the partner's certificate",
    severity=Severity.WARN,
    about="destination",
    reads=frozenset(),
)
