"""No certificate that a sidecar presents or uses for verification expires within the policy's warning period.

## Why

When a certificate expires, every call fails, and nothing in the cluster announces this in advance.

## Fix

Have the certificate renewed now and put it into the Secret. Running sidecars load it without a restart. The warning
period in days is `expiry.warn` of the policy (default: 30).

## Source

Seen with real traffic: an expired client certificate causes 503 `connection_termination`, while the Pod is ready.
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.material import CertificateFacts
from webhook.model.rule import RuleMetadata
from webhook.rules._material import moment, named, span
from webhook.rules._producers import renewed
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file of which a certificate is about to expire, the first to go of each file."""
    denied_until, warned_until = picture.horizon.at + picture.horizon.deny, picture.horizon.at + picture.horizon.warn
    soonest: dict[tuple[ObjectRef, str], CertificateFacts] = {}
    for ref, key, certificate in _all(picture):
        earliest = soonest.get((ref, key))
        if denied_until < certificate.not_after <= warned_until and (
            earliest is None or certificate.not_after < earliest.not_after
        ):
            soonest[ref, key] = certificate
    for (ref, key), certificate in soonest.items():
        left = span(certificate.not_after - picture.horizon.at)
        problem = f"{named(certificate)} expires in {left} ({moment(certificate.not_after)})"
        fix = renewed(picture.view, ref, "renew it and replace it in the Secret")
        yield Violation(ref, f"key {quote(key)}", problem, fix)


def _all(picture: WorkloadPicture) -> Iterator[tuple[ObjectRef, str, CertificateFacts]]:
    for client_certificate in picture.client_certificates:
        yield client_certificate.object, client_certificate.key, client_certificate.certificate
    for chain, certificates in picture.ca_bundles:
        if chain.file.object is not None:
            for certificate in certificates:
                yield chain.file.object, chain.file.key, certificate


RULE = RuleMetadata(
    title="A client or CA certificate expires soon",
    severity=Severity.WARN,
    about="workload",
    reads=CHAINS | PRODUCERS,
)
