"""A `subPath`, and the `path` of an entry of `items`, is a relative path inside the volume, without `..`.

## Why

The API server rejects a Pod with any other path, and a mount with both `subPath` and `subPathExpr`. The annotation is
not validated until a Pod is created.

## Fix

Write a path inside the volume (`"subPath": "cert"`, `"path": "cert"`). It is better to remove `subPath`, because such a
mount does not receive renewed certificates.

## Source

Kubernetes: pkg/apis/core/validation, `ValidateVolumeMounts` and `validateKeyToPath`.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per path inside a volume that the API server refuses."""
    for fault in annotation_faults(picture, "invalid-name"):
        if fault.field.startswith("subPath") or fault.field == "items":
            fix = "leave it out, or name a path inside the volume"
            if fault.field == "items":
                fix = "name a path inside the volume"
            yield Violation(picture.ref, fault.path, f"{fault.detail}; the API server refuses every Pod", fix)


RULE = RuleMetadata(
    title="A path inside a user volume is invalid",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
