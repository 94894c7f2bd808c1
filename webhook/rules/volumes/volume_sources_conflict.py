"""Each volume has one source.

## Why

A volume with `secret` and `configMap` is refused by the API server, and so is a `projected` one whose sources name the
same file twice. It also comes about by names: the injector merges a
volume of `userVolume` with one of the same name in `spec.volumes`, in `volumeClaimTemplates`, or of Istio, and both
sources stay.

## Fix

Make two volumes of it, a `projected` one, or give the volume a name that nobody else has.

## Source

Kubernetes: pkg/apis/core/validation, `validateVolumeSource` ("may not specify more than 1 volume type") and
`validateProjectionSources` ("conflicting duplicate paths"). Seen for real with a claim template: the StatefulSet is
stored, and none of its Pods.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults, mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture

FIX_PATHS = "give each file of the volume a path of its own"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per volume with more than one source, as written or after the merge by name."""
    for fault in annotation_faults(picture, "two-sources"):
        problem = f"{fault.detail}; the API server refuses every Pod"
        fix = FIX_PATHS if fault.field == "projected" else 'keep one, or make it a "projected" volume'
        yield Violation(picture.ref, fault.path, problem, fix)
    for merged in mount_faults(picture, "two-sources"):
        problem = f"{merged.detail}; the API server refuses every Pod"
        yield Violation(picture.ref, merged.path, problem, "give it another name, here and in its mount")


RULE = RuleMetadata(
    title="A user volume ends up with two sources",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE,
)
