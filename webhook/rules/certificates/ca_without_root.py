"""The CA bundle contains the root certificate of the server's chain, not only an intermediate certificate.

## Why

Envoy trusts partial chains: a bundle of intermediate certificates verifies the servers whose certificates they issued.
When the partner's next certificate is issued by another intermediate CA, every call fails, although nothing has changed
in the cluster.

## Fix

Add the root certificate that issued the intermediate certificate to the bundle.

## Source

Measured with Envoy 1.40.0: a bundle with only the intermediate certificate verifies the server, whether or not the
server sends the intermediate certificate. This is a hardening rule, off unless the policy turns it on.
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
    title="The CA bundle contains only intermediate certificates",
    severity=Severity.OFF,
    about="workload",
    over="ca_bundles",
    reads=CHAINS,
)
