"""A workloadSelector is in the namespace of its workloads and matches the labels of their pod template.

## Why

A DestinationRule with a workloadSelector applies only to Pods of its own namespace. The selector is compared with the
labels of the Pod, not with those of the Deployment. A DestinationRule whose selector matches no Pod is accepted and
never applied.

## Fix

Move the DestinationRule to the workload's namespace, and make its `matchLabels` a subset of
`spec.template.metadata.labels`.

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
    title="The workloadSelector of a DestinationRule does not match the workload that mounts its files",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
