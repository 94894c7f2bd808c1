"""A certificate file contains no private key.

## Why

Every user or program that may read the certificates can then read the private key as well. A private key after the
certificate is ignored, and calls work. If the private key comes first, Istio's agent rejects the file.

## Fix

Store the private key under a separate data key of the Secret.

## Source

security/pkg/nodeagent/cache/secretcache.go reads only the first block of the certificate file (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import key_path, role
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per certificate or CA file with a private key behind its certificates."""
    refused = {refused_file.chain.path for refused_file in picture.refused}
    for chain in picture.chains:
        material = chain.file.material
        if material is None or chain.field == "privateKey" or chain.path in refused or chain.file.object is None:
            continue
        if material.keys and material.certificates:
            problem = f"holds a private key beside the {role(chain)}"
            yield Violation(chain.file.object, key_path(chain), problem, "keep the key in a key of its own")


RULE = RuleMetadata(
    title="A certificate file contains a private key",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS,
)
