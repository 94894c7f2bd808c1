"""A workload that opts in to injection can get its files without a guess and without harm.

## Why

A Pod that asks for its client certificate and starts without it is the silent fault that injection is there to
prevent: every call answers 503. Where two rules want different files at one path, where a volume of the same name holds
something else, or where nobody says which Secret belongs to which rule, nothing is added, and the workload is refused.
A DestinationRule of another namespace that the workload does not name with `destinations` causes a warning only: it may
not be meant, and it never ends the injection for others.

## Fix

Say which Secret and which destination (`mtls-guard.io/client-secret`, `mtls-guard.io/destinations`), mend the rule's
paths, or write `sidecar.istio.io/userVolume` and `userVolumeMount` by hand.

## Source

Our own injection; its annotations are described in docs/injection.md.
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
    title="The workload opts in to injection, and what it asks for cannot be added",
    severity=Severity.DENY,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
