"""The Sidecar resource that applies to a workload includes the host that the workload calls.

## Why

A Sidecar resource limits the hosts that a sidecar knows. For a host that is not in `egress.hosts`, the sidecar has no
cluster: DestinationRules for it have no effect, and calls are rejected if the mesh allows only registered hosts.

## Fix

Add the host to the `egress.hosts` of the Sidecar, as `NAMESPACE/HOST`.

## Source

pilot/pkg/model/sidecar.go, `convertToSidecarScope` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = 'add "*/{host}" to its hosts'


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "outside-egress", FIX)


RULE = RuleMetadata(
    title="A Sidecar resource hides the host of a DestinationRule from the workload",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
