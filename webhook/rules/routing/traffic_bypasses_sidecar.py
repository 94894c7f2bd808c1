"""Calls to a host with a client certificate pass through the sidecar.

## Why

Annotations on the Pod take ports and addresses out of the redirection to the sidecar, and so does running the
application as user 1337, which is the sidecar's own. Such a call leaves as the application made it: plain text,
without certificate.

It denies where every way to the host is taken out for certain; what depends on addresses that only DNS knows warns.

## Fix

Take the port or address out of the annotation, or run the application as another user.

## Source

tools/istio-iptables (Istio 1.31): excluded ports, ranges and user 1337 are returned before the redirection.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._bypass import Bypass, bypasses
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per setting that leads calls of an intended rule around the sidecar."""
    for bypass in bypasses(picture):
        yield _violation(picture, bypass)


def _violation(picture: WorkloadPicture, bypass: Bypass) -> Violation:
    problem = f"{bypass.fact}, so that calls to {bypass.goal} leave without the client certificate"
    return Violation(picture.ref, bypass.path, problem, bypass.fix, certain=bypass.certain)


RULE = RuleMetadata(
    title="The call to the rule's host does not pass through the sidecar",
    severity=Severity.DENY,
    about="workload",
    reads=CHAINS | WORKLOADS,
)
