"""At most one DestinationRule for a host in a namespace sets a trafficPolicy.

## Why

Istio merges DestinationRules for the same host and namespace. The top-level `trafficPolicy` of the oldest one is used
as a whole, and that of younger ones is dropped, including TLS. If one of them has a workloadSelector, the other one may
not be applied to any workload.

## Fix

Keep one DestinationRule per host and namespace, with all settings in it.

## Source

pilot/pkg/model/destination_rule.go, `mergeDestinationRule`; istio/istio issue 58322 (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = "move its settings there, and delete it"
UNSET = "leave spec.exportTo out of it, so that Istio keeps the two apart"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "merged-away", FIX)
    yield from missed(picture, "merged-into-selection", UNSET)


RULE = RuleMetadata(
    title="An older DestinationRule for the same host and namespace overrides this one",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
