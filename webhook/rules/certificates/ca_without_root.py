"""The CA bundle holds the root at which the server's chain ends, not an intermediate alone.

## Why

Envoy trusts partial chains: a bundle of intermediates verifies the servers below them, until the partner issues its
next certificate with another intermediate. Then every call fails, with nothing changed on this side.

## Fix

Add the root certificate that issued the intermediate to the bundle.

## Source

Measured with Envoy 1.40.0: a bundle with the intermediate alone verifies the server, whether or not the server sends
the intermediate. Hardening: off unless the policy turns it on.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import key_path, named
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per bundle that holds authorities and none that is its own issuer."""
    for chain, certificates in picture.ca_bundles:
        if chain.file.object is None or any(certificate.self_issued for certificate in certificates):
            continue
        intermediate = next((certificate for certificate in certificates if certificate.is_ca), None)
        if intermediate is not None:
            without_issuer = f"holds {named(intermediate)} without its issuer {intermediate.issuer}"
            problem = f"{without_issuer}: another intermediate breaks every call"
            yield Violation(chain.file.object, key_path(chain), problem, "add the root certificate", certain=False)


RULE = RuleMetadata(
    title="The CA bundle holds intermediates only",
    severity=Severity.OFF,
    about="workload",
    over="ca_bundles",
    reads=CHAINS,
)
