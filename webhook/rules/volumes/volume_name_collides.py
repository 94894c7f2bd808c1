"""A volume of `userVolume` does not have the name of a volume in `spec.volumes`, unless both are the same.

## Why

The injector merges the two by name, and the annotation wins. The sidecar gets its files; but a container of the
application that mounts the volume sees the Secret that was meant for the sidecar, instead of what the pod spec says.
That is denied. Where no container mounts it, or where only the modes of its files change, it warns. Two volumes of
different kinds are refused by the API server (`volume-sources-conflict`).

## Fix

Give the volume of the annotation another name, and its mount, too.

## Source

k8s.io/apimachinery, strategic merge by `name`, as pkg/kube/inject/webhook.go uses it (Istio 1.31). Seen for real: the
call works, and the Pod's volume is the Secret of the annotation.
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
    title="A user volume has the name of a volume of the application, and changes it",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
