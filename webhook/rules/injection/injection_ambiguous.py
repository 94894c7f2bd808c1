"""A workload that opts in to injection names the host that its Secret is for, if there are several possible hosts.

## Why

Without `mtls-guard.io/destinations`, mtls-guard mounts the Secret for the DestinationRule of the workload's namespace
whose file names match the data keys of the Secret, or otherwise for the oldest one. It mounts the Secret for only one
DestinationRule, because the mount makes the sidecar present the credential to that host. If several DestinationRules
are possible, the oldest one may be the wrong one.

## Fix

Name the hosts in the annotation `mtls-guard.io/destinations` on the pod template.

## Source

Injection by mtls-guard; its annotations are described in docs/injection.md.
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
