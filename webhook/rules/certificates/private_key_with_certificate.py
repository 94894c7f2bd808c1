"""A file of certificates holds no private key.

## Why

Whoever may read certificates may then read the key, too. Behind the certificate it is ignored and everything works; in
front of it Istio's agent refuses the file.

## Fix

Keep the private key in a key of its own.

## Source

security/pkg/nodeagent/cache/secretcache.go reads the first block of the certificate file only (Istio 1.31).
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
    title="A private key stands in a file of certificates",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS,
)
