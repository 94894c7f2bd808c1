"""The CA bundle that verifies the server contains only certificates that are valid today.

## Why

Envoy loads a bundle of expired certificates without an error and then rejects every server (CERTIFICATE_VERIFY_FAILED).
If only some of the certificates have expired, the servers whose certificates they issued are rejected.

## Fix

Replace the expired certificates in the bundle. Remove those that are no longer needed.

## Source

Measured with Envoy 1.40.0: the bundle is loaded, and the handshake fails.
"""

from collections.abc import Iterator

from webhook.model.chain import Chain
from webhook.model.finding import Severity, Violation
from webhook.model.material import CertificateFacts
from webhook.model.rule import RuleMetadata
from webhook.rules._material import key_path, moment, named
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per bundle with a certificate that is not valid today; certain when none is."""
    at = picture.horizon.at
    for chain, certificates in picture.ca_bundles:
        invalid = [
            certificate for certificate in certificates if not certificate.not_before <= at < certificate.not_after
        ]
        if invalid and chain.file.object is not None:
            yield _expired(picture, chain, certificates, invalid)


def _expired(
    picture: WorkloadPicture, chain: Chain, certificates: tuple[CertificateFacts, ...], invalid: list[CertificateFacts]
) -> Violation:
    certificate = invalid[0]
    late = certificate.not_after <= picture.horizon.at
    state = (
        f"expired ({moment(certificate.not_after)})" if late else f"is valid only from {moment(certificate.not_before)}"
    )
    whole = len(invalid) == len(certificates)
    share = (
        "no server can be verified" if whole else f"{len(invalid)} of {len(certificates)} certificates are out of date"
    )
    ref = chain.file.object or picture.ref
    return Violation(
        ref, key_path(chain), f"CA {named(certificate)} {state}: {share}", "replace it in the bundle", certain=whole
    )


RULE = RuleMetadata(
    title="The CA bundle contains certificates that are expired or not yet valid",
    severity=Severity.DENY,
    about="workload",
    over="ca_bundles",
    reads=CHAINS,
)
