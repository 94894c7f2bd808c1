"""A DestinationRule is exported to the namespace of the workloads that use it.

## Why

`exportTo` limits the namespaces in which a rule applies; `.` is the rule's own, and a rule with a workloadSelector
never leaves its own. Elsewhere the rule is as good as absent: the call leaves as plain text, also to port 443.

It denies where the rule is in the workload's own namespace. A private rule of another namespace is that team's own
business: it is mentioned, and only where a state is checked, if the mounted Secret is named after its host.

## Fix

Add the workload's namespace to `spec.exportTo`, or remove the field (which exports to all), or put a copy of the rule
into the workload's namespace. For a rule with a workloadSelector only the copy helps, or a rule without the selector.

## Source

pilot/pkg/model/push_context.go, `setDestinationRules` and `destinationRule` (Istio 1.31). Seen with real traffic:
with `exportTo: ["."]` the partner received plain text on port 443.
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
    title="A rule is not exported to the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
