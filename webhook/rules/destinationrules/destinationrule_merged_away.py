"""Two DestinationRules for one host in one namespace do not both set a trafficPolicy.

## Why

Istio merges rules of one host and namespace: the older rule's top-level `trafficPolicy` wins as a whole, and the
younger one's is dropped, TLS included. With a workloadSelector on one of them the other can vanish for everyone.

## Fix

Keep one rule per host and namespace, with all settings in it.

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
    title="Another rule of the same host and namespace swallows this one",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
