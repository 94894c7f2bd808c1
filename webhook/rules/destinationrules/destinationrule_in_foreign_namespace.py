"""A DestinationRule stands in the client's namespace, in the service's, or in the root namespace of the mesh.

## Why

Istio looks for a rule in these three namespaces, in this order, and nowhere else, whatever the rule's `exportTo`
says. A rule that stands in a fourth one is accepted and never applied: the call leaves the sidecar without the client
certificate, usually as plain text.

## Fix

Move the DestinationRule into the namespace of the ServiceEntry (or Service) of its host, or into the namespace of the
workloads that use it.

## Source

pilot/pkg/model/push_context.go, `destinationRule` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = "move it into {namespace}, or beside the host's service"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "foreign-namespace", FIX)


RULE = RuleMetadata(
    title="A rule stands in a namespace where Istio does not look for it",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
