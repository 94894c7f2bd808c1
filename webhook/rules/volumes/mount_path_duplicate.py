"""Each `mountPath` of the sidecar occurs only once.

## Why

The API server rejects a Pod in which two mounts have the same path (`must be unique`), whether both come from the
annotation or one of them from Istio. If the paths differ only in a trailing slash, the Pod is accepted, and the later
mount hides the files of the earlier one.

## Fix

Give each mount a separate directory, or combine several Secrets in one `projected` volume.

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
