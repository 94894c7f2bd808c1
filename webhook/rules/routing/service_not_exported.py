"""The service of a DestinationRule's host is exported to the namespaces of the workloads that call it.

## Why

A DestinationRule takes effect only for a service that the sidecar sees. If `exportTo` of the ServiceEntry (or Service)
does not include the client's namespace, the sidecar has no cluster for it: calls are forwarded unchanged, without the
settings of the DestinationRule.

## Fix

Add the workload's namespace to `spec.exportTo` of the ServiceEntry, or to the annotation `networking.istio.io/exportTo`
of the Service.

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
    title="The service of a DestinationRule's host is not exported to the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
