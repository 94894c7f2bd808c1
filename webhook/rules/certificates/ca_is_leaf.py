"""The CA bundle that verifies the server contains a CA certificate.

## Why

A certificate that is not a CA certificate cannot verify other certificates: Envoy loads the file, and every handshake
fails with CERTIFICATE_VERIFY_FAILED. Only a server that presents exactly this certificate is trusted, and only until
the certificate is renewed. If the certificate can be used by a server, this rule therefore only warns.

## Fix

Put the certificate of the CA that issued the server's certificate into the bundle. The partner can provide it.

## Source

RFC 5280, 4.2.1.9 (basic constraints). Measured with Envoy 1.40.0, which trusts partial chains: a client certificate as
the bundle verifies no server; the server's own certificate as the bundle verifies this server.
"""

from collections.abc import Iterator

from webhook.model.chain import Chain
from webhook.model.finding import Severity, Violation
from webhook.model.material import CertificateFacts
from webhook.model.rule import RuleMetadata
from webhook.rules._material import key_path, named
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per bundle of which no certificate is an authority's; certain where none fits a server."""
    for chain, certificates in picture.ca_bundles:
        yield from _judged(chain, certificates)


def _judged(chain: Chain, certificates: tuple[CertificateFacts, ...]) -> Iterator[Violation]:
    from webhook.material import can_sign, fits_servers

    if chain.file.object is None or any(
        can_sign(certificate) or certificate.self_issued for certificate in certificates
    ):
        return
    pinned = any(fits_servers(certificate) for certificate in certificates)
    effect = "verifies only the server that presents it" if pinned else "verifies no server"
    problem = f"{named(certificates[0])} is no authority's, so it {effect}"
    fix = "put the certificate of the server's issuer into it"
    yield Violation(chain.file.object, key_path(chain), problem, fix, certain=not pinned)


RULE = RuleMetadata(
    title="The CA bundle contains no CA certificate",
    severity=Severity.DENY,
    about="workload",
    over="ca_bundles",
    reads=CHAINS,
)
