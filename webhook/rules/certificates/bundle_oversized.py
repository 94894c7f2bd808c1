"""A file of certificates that a sidecar reads holds at most 1,000 PEM blocks, which is what mtls-guard looks at.

## Why

Of all data keys of a Secret together, 1,000 blocks are looked at, those of small data keys first. What stands behind
them is not: a certificate that has expired, a key, a damaged block. The
whole bundle of an operating system has about 150 certificates, so a longer file is mostly one that a job appends to.
Nothing is known to be wrong: Envoy loads it, slower with every block.

## Fix

Put only the CAs into the bundle that the partner's certificate is issued by; mostly that is one.

## Source

mtls-guard's own limit, so that a Secret of 1 MiB is judged in bounded time.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import key_path, role
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file of a chain of which not all blocks were looked at."""
    for chain in picture.chains:
        file = chain.file
        if file.material is not None and file.material.unread and file.object is not None:
            evaluated = len(file.material.blocks)
            total = evaluated + file.material.unread
            problem = f"holds {total} PEM blocks as {role(chain)}, of which {evaluated} were looked at"
            yield Violation(file.object, key_path(chain), problem, "keep only those that the partner needs")


RULE = RuleMetadata(
    title="A file holds more PEM blocks than are looked at",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS,
)
