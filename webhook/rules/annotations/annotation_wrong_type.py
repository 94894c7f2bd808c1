"""Each field of `userVolume` and `userVolumeMount` has the JSON type that Kubernetes defines for it.

## Why

In JSON, `"true"` is a string and `true` is a boolean; `"0400"` is a string and not a number. If Kubernetes expects a
boolean or a number and the annotation contains a string, the injector cannot decode the Pod that it rendered and
rejects it. The Deployment with the annotation is accepted before that.

## Fix

Write booleans and numbers without quotes: `"optional": true`, `"defaultMode": 420` (decimal; 0644 in octal).

## Source

pkg/kube/inject/webhook.go, `applyOverlay`, decodes with encoding/json into `corev1.Pod` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.chain import AnnotationFault
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per field whose value has the wrong type."""
    for fault in annotation_faults(picture, "wrong-type"):
        problem, _, expected_type = fault.detail.partition(", and must be ")
        yield Violation(picture.ref, fault.path, f"{problem}; Istio refuses every Pod", _fix(fault, expected_type))


def _fix(fault: AnnotationFault, expected_type: str) -> str:
    if fault.field in ("mode", "defaultMode"):
        return "write a decimal number without quotes (0644 is 420, 0444 is 292), or leave it out"
    if fault.field in ("secret", "configMap"):
        name = "secretName" if fault.field == "secret" else "name"
        return f'write an object: {{"{name}": "NAME"}}'
    return f"write {expected_type}"


RULE = RuleMetadata(
    title="A field of a user volume or mount has the wrong JSON type",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
