"""The service of a DestinationRule's host is exported to the namespace of the workloads that call it.

## Why

A rule takes effect only through a service that the sidecar sees. A ServiceEntry (or Service) whose `exportTo` leaves
out the client's namespace makes no cluster there, so the call bypasses the rule and leaves as it is.

## Fix

Add the workload's namespace to `spec.exportTo` of the ServiceEntry, or to the annotation
`networking.istio.io/exportTo` of the Service.

## Source

pilot/pkg/model/push_context.go, `servicesExportedToNamespace` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = "add {namespace} to it, or remove the field"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "service-not-exported", FIX)


RULE = RuleMetadata(
    title="The service of a rule's host is not exported to the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
