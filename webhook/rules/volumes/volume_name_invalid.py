"""The name of each user volume consists of at most 63 lower-case letters, digits and `-`.

## Why

`my_certs` and `Client` are not valid volume names. Names in the annotation are not validated when the workload is
applied; the API server later rejects the Pod that the injector renders, which is visible only in an event of the
ReplicaSet.

## Fix

Use lower-case letters, digits and `-`, and the same name in `userVolume` and `userVolumeMount`.

## Source

Kubernetes: volume names are DNS-1123 labels (pkg/apis/core/validation, `ValidateVolumes`).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per name that the API server refuses."""
    for fault in annotation_faults(picture, "invalid-name"):
        if not fault.field.startswith(("subPath", "items")):
            fix = f"call it {quote(fault.suggestion)} in both annotations" if fault.suggestion else "give it a name"
            yield Violation(picture.ref, fault.path, f"{fault.detail}; the API server refuses every Pod", fix)


RULE = RuleMetadata(
    title="The name of a user volume is invalid",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
