"""A `subPath` is a relative path inside the volume, without `..`, and never beside `subPathExpr`.

## Why

The API server refuses a Pod with any other one. In the annotation nobody looks at it until the Pod is made.

## Fix

Write a path inside the volume (`"subPath": "cert"`), or better leave `subPath` out: such a mount never sees a rotation.

## Source

Kubernetes: pkg/apis/core/validation, `ValidateVolumeMounts`.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import Rule
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per subPath that the API server refuses."""
    for fault in annotation_faults(picture, "invalid-name"):
        if fault.field.startswith("subPath"):
            problem = f"{fault.detail}; the API server refuses every Pod"
            yield Violation(picture.ref, fault.path, problem, "leave it out, or name a path inside the volume")


RULE = Rule(
    id="subpath-invalid",
    title="A subPath of a user mount is none that Kubernetes takes",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
    since="0.1",
    docs=__doc__ or "",
    check=check,
)
