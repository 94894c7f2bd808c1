"""The Sidecar resource that applies to a workload lets it see the host that it calls.

## Why

A Sidecar resource limits what a sidecar knows. A host that its `egress.hosts` leaves out has no cluster there: the call
passes by every rule, or is refused when the mesh allows registered hosts only.

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
    title="A Sidecar resource hides the rule's host from the workload",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
