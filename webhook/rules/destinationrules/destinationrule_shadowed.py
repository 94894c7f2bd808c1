"""No other DestinationRule takes the place of the one that carries the client certificate.

## Why

Istio takes the rules of the client's own namespace first, and stops there: a rule in it wins over every rule elsewhere,
also when it is less specific (`*.com`), is about something else (connection limits), or selects other Pods only. What
the losing rule says about TLS is not merged in.

## Fix

Put the `tls` settings into the rule that wins, or narrow or move that rule.

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
    title="Another rule takes the place of the one with the client certificate",
    severity=Severity.DENY,
    about="workload",
    over="misses",
    reads=CHAINS | WORKLOADS,
)
