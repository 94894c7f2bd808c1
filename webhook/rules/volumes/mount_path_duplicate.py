"""Each `mountPath` of the sidecar is there once.

## Why

Two mounts at one path (of the annotation, or one of it and one of Istio's own) make a Pod that the API server
refuses: `must be unique`. Where the two differ by a slash at the end only, nobody refuses them, and the later one
hides the files of the earlier.

## Fix

Give each mount a directory of its own, or put several Secrets into one `projected` volume.

## Source

Kubernetes: pkg/apis/core/validation, `ValidateVolumeMounts`; Istio's mounts are in its injection template (1.32).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import USER_VOLUME_MOUNT, annotation
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount at a path that is taken."""
    for fault in mount_faults(picture, "mount-path-twice", "mount-path-shadowed"):
        effect = "; the API server refuses every Pod" if fault.rejects else ""
        fix = "mount it elsewhere, or merge both into one projected volume"
        yield Violation(picture.ref, fault.path, _short(picture, fault.detail) + effect, fix, certain=fault.rejects)


def _short(picture: WorkloadPicture, detail: str) -> str:
    """The detail with `userVolumeMount[0]` in place of the whole path of that entry."""
    return detail.replace(annotation(picture.pod.path, USER_VOLUME_MOUNT), "userVolumeMount")


RULE = RuleMetadata(
    title="Two mounts of the sidecar have the same mountPath",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
