"""A certificate file that a sidecar reads contains at most 1,000 PEM blocks, the number that mtls-guard evaluates.

## Why

mtls-guard evaluates at most 1,000 PEM blocks of all data keys of a Secret together, starting with the smallest data
keys. It does not detect expired certificates, private keys or damaged blocks after that limit. The complete CA bundle
of an operating system has about 150 certificates, so a longer file is usually the result of a job that appends to it.
The file need not be wrong: Envoy loads it, but each block makes loading slower.

## Fix

Include only the CA certificates that issue the partner's certificate. Usually this is one certificate.

## Source

This limit belongs to mtls-guard: it ensures that a Secret of 1 MiB is evaluated in bounded time.
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
    title="A file contains more PEM blocks than mtls-guard evaluates",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS,
)
