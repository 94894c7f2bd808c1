"""A workload that opts in to injection says for which host its Secret is, where that could be several.

## Why

Without `mtls-guard.io/destinations`, a Secret is mounted for the DestinationRule of the workload's own namespace whose
file names are its data keys, else for the oldest. It is mounted for that DestinationRule only, because a mount gives
the credential to its host. Where several could be meant, the oldest need not be the right one.

## Fix

Name the hosts: annotation `mtls-guard.io/destinations` on the pod template.

## Source

mtls-guard's own injection; its annotations are described in docs/injection.md.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.secret_obstacles import in_words
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that could be for several DestinationRules."""
    for rival in picture.addition.rivals if not picture.addition.impossible else ():
        problem, fix = in_words(rival)
        yield Violation(picture.ref, rival.path, problem, fix, certain=False)


RULE = RuleMetadata(
    title="The Secret of a workload that opts in to injection could be for several DestinationRules",
    severity=Severity.WARN,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
