"""A volume of `userVolume` and a volume in `spec.volumes` have different names, unless both are identical.

## Why

The injector merges the two volumes by name, and the annotation takes precedence. The sidecar gets its files, but a
container of the application that mounts the volume gets the Secret intended for the sidecar instead of the volume in
the pod spec. This rule denies that. It warns if no container of the application mounts the volume, or if only the file
modes change. The API server rejects the merged volume if the two are of different types (`volume-sources-conflict`).

## Fix

Give the volume in the annotation, and its mount, another name.

## Source

k8s.io/apimachinery, strategic merge by `name`, as pkg/kube/inject/webhook.go uses it (Istio 1.31). Seen in a cluster:
the call works, and the volume of the Pod is the Secret of the annotation.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import PROXY
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per user volume that changes one of the pod spec."""
    for fault in mount_faults(picture, "application-volume", "application-mode"):
        name = fault.volume.name if fault.volume is not None else ""
        certain = fault.kind == "application-volume" and _mounted(picture, name)
        fix = f'give it another name, as "{name[:58]}-mtls", here and in its mount'
        yield Violation(picture.ref, fault.path, fault.detail, fix, certain=certain)


def _mounted(picture: WorkloadPicture, name: str) -> bool:
    app_containers = (container for container in picture.pod.containers if container.name != PROXY)
    return any(mount.name == name for container in app_containers for mount in container.mounts)


RULE = RuleMetadata(
    title="A user volume has the same name as a volume of the application and changes it",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
