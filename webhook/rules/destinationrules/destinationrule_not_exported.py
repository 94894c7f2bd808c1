"""A DestinationRule is exported to the namespaces of the workloads that use it.

## Why

`exportTo` limits the namespaces in which a DestinationRule applies. `.` means its own namespace, and a DestinationRule
with a workloadSelector applies only in its own namespace. In all other namespaces it has no effect: calls leave as
plain text, also to port 443.

This rule denies if the DestinationRule is in the workload's own namespace. A private DestinationRule of another
namespace belongs to another team: it causes a warning only, only when existing objects are checked, and only if the
name of the mounted Secret refers to its host.

## Fix

Add the workload's namespace to `spec.exportTo`, remove the field (which exports to all namespaces), or create a copy of
the DestinationRule in the workload's namespace. If the DestinationRule has a workloadSelector, create a copy or remove
the workloadSelector.

## Source

pilot/pkg/model/push_context.go, `setDestinationRules` and `destinationRule` (Istio 1.31). Seen with real traffic: with
`exportTo: ["."]` the partner received plain text on port 443.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = "add {namespace} to its spec.exportTo, or remove the field"
SELECTING = "put a copy of the rule into {namespace}: one with a workloadSelector works in its own namespace only"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "not-exported", FIX, selecting=SELECTING)


RULE = RuleMetadata(
    title="A DestinationRule is not exported to the namespace of the workload",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
