"""Each volume has exactly one source.

## Why

The API server rejects a volume with both `secret` and `configMap`, and a `projected` volume whose sources provide the
same file twice. Two sources can also be the result of equal names: the injector merges a volume of `userVolume` with a
volume of the same name in `spec.volumes`, in `volumeClaimTemplates` or of Istio, and keeps both sources.

## Fix

Use two volumes or a `projected` volume, or give the volume a unique name.

## Source

Kubernetes: pkg/apis/core/validation, `validateVolumeSource` ("may not specify more than 1 volume type") and
`validateProjectionSources` ("conflicting duplicate paths"). Seen in a cluster with a volume claim template: the
StatefulSet is accepted, and none of its Pods.
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
    title="A user volume has two sources",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE,
)
