"""No other DestinationRule takes precedence over the one with the client certificate.

## Why

Istio first looks for a DestinationRule in the client's own namespace. If there is one, it is used instead of
DestinationRules in other namespaces, even if it is less specific (`*.com`), sets something else (connection limits), or
selects only other Pods. The TLS settings of the DestinationRule that is not used are not merged in.

## Fix

Add the `tls` settings to the DestinationRule that takes precedence, or restrict or move that DestinationRule.

## Source

pilot/pkg/model/push_context.go, `destinationRule`; istio/istio issue 57719 for selectors (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

FIX = "put its tls settings into {by}, or narrow that rule's host"
ENDED = "add its tls settings to namespace {namespace} as a rule for {host} without a workloadSelector"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "shadowed", FIX)
    yield from missed(picture, "search-ended", ENDED)


RULE = RuleMetadata(
    title="Another DestinationRule takes precedence over the one with the client certificate",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
