"""A container `istio-proxy` in the pod spec is under `containers`, unless the sidecar is a native sidecar.

## Why

Custom settings for the sidecar are written as a container `istio-proxy`. For a native sidecar, Istio moves this
container to `initContainers`, but it does not move it in the other direction: if the Pod has an ordinary sidecar and
its spec has `istio-proxy` under `initContainers`, the name occurs twice, and the API server rejects the Pod.

## Fix

Move the container to `containers`, or set the annotation `sidecar.istio.io/nativeSidecar: "true"` on the pod template.

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
    title="istio-proxy is under initContainers of a Pod without a native sidecar",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
