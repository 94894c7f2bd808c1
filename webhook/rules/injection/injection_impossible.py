"""mtls-guard can add the files for which a workload opts in to injection, without conflicts.

## Why

Injection prevents Pods from starting without their client certificate, in which case every call fails with HTTP 503. If
two DestinationRules need different files at the same path, if a volume with the same name has other content, or if it
is not known which Secret belongs to which DestinationRule, nothing is added, and the workload is denied. A
DestinationRule of another namespace that the workload does not name in `mtls-guard.io/destinations` causes only a
warning: it may not be intended for the workload, and it never prevents the injection for other DestinationRules.

## Fix

Name the Secret and the destination (`mtls-guard.io/client-secret`, `mtls-guard.io/destinations`), correct the paths of
the DestinationRule, or mount the files with `sidecar.istio.io/userVolume` and `userVolumeMount`.

## Source

Injection by mtls-guard; its annotations are described in docs/injection.md.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per obstacle."""
    for obstacle in picture.addition.obstacles:
        yield Violation(picture.ref, obstacle.path, obstacle.problem, obstacle.fix, certain=obstacle.certain)


RULE = RuleMetadata(
    title="The workload opts in to injection, but its files cannot be added",
    severity=Severity.DENY,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
