"""A DestinationRule is in the namespace of the client, in that of the service, or in the root namespace of the mesh.

## Why

Istio looks for a DestinationRule in these three namespaces, in this order, and nowhere else, regardless of its
`exportTo`. A DestinationRule in another namespace is accepted and never applied: calls leave the sidecar without the
client certificate, usually as plain text.

## Fix

Move the DestinationRule to the namespace of the ServiceEntry (or Service) of its host, or to the namespace of the
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
    title="A DestinationRule is in a namespace where Istio does not look for it",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
