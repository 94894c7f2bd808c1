"""A container `istio-proxy` in the pod spec stands under `containers`, unless the sidecar is a native one.

## Why

Own settings for the sidecar are written as a container `istio-proxy`. Istio moves it to `initContainers` for a native
sidecar, but not back: an `istio-proxy` under `initContainers` of a Pod with an ordinary sidecar makes the name come
twice, and the API server refuses the Pod.

## Fix

Move the container to `containers`, or set the annotation `sidecar.istio.io/nativeSidecar: "true"` on the pod
template.

## Source

pkg/kube/inject/webhook.go, `reapplyOverwrittenContainers`, and inject.go (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, on the misplaced container."""
    for fault in mount_faults(picture, "init-container"):
        fix = 'move it to containers, or annotate sidecar.istio.io/nativeSidecar: "true"'
        yield Violation(picture.ref, fault.path, fault.detail, fix)


RULE = RuleMetadata(
    title="istio-proxy stands under initContainers of a sidecar that is no native one",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
