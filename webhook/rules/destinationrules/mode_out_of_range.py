"""`defaultMode` and `mode` are decimal numbers from 0 to 511.

## Why

JSON has no octal numbers: the octal mode 0644 is 420 in decimal, and 0777 is 511. The decimal number 644 is the octal
mode 01204, which is not allowed, and the API server rejects the Pod.

## Fix

Convert the mode to decimal (0644 is 420, 0444 is 292), or remove the field.

## Source

Kubernetes: pkg/apis/core/validation, `validateVolumeSource`, file modes 0 to 0777.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mode outside of the range."""
    for fault in annotation_faults(picture, "mode-range"):
        mode_text = fault.detail.partition(", and must be ")[0]
        meant = (
            f"write {fault.suggestion}, which is 0{mode_text.removeprefix('is ')}"
            if fault.suggestion
            else "write 420 (0644)"
        )
        problem = f"{mode_text}, outside of 0 to 511 (0777); the API server refuses every Pod"
        yield Violation(picture.ref, fault.path, problem, f"{meant}, or leave it out")


RULE = RuleMetadata(
    title="A file mode of a user volume is out of range",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
