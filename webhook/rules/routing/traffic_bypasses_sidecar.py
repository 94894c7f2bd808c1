"""Calls to a host with a client certificate pass through the sidecar.

## Why

Annotations on the Pod can exclude ports and addresses from the redirection to the sidecar. Traffic of containers that
run as user 1337, the user ID of the sidecar, is not redirected either. Such calls leave as the application made them:
as plain text, without a certificate.

This rule denies if all calls to the host certainly bypass the sidecar. It warns if this depends on addresses that only
DNS knows.

## Fix

Remove the port or address from the annotation, or run the application as another user.

## Source

tools/istio-iptables (Istio 1.31): traffic to excluded ports and ranges, and traffic of user 1337, is returned before
the redirection.
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
    title="Calls to the host of a DestinationRule bypass the sidecar",
    severity=Severity.DENY,
    about="workload",
    reads=CHAINS | WORKLOADS,
)
