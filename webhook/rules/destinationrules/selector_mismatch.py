"""A workloadSelector stands in the namespace of its workloads and matches the labels of their pod template.

## Why

A DestinationRule with a workloadSelector applies to Pods of its own namespace only, and compares with the labels of the
Pod, not of the Deployment. A rule that selects nobody is accepted and never applied.

## Fix

Move the rule into the workload's namespace, and make its `matchLabels` a subset of `spec.template.metadata.labels`.

## Source

pilot/pkg/model/sidecar.go, `destinationRule` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = "make matchLabels fit the pod template's labels, in namespace {namespace}"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "selector-mismatch", FIX)


RULE = RuleMetadata(
    title="A rule's workloadSelector does not pick the workload that mounts its files",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
