"""`userVolume` and `userVolumeMount` contain only fields that Kubernetes defines at that position.

## Why

The injector silently drops unknown fields. If `optional` or `defaultMode` is written next to `secret` instead of inside
it, it has no effect: the Secret remains required, and without it the Pod waits in ContainerCreating. If `path` is
written instead of `mountPath`, or `name` instead of `secretName`, a required field is empty, and the API server rejects
the Pod.

This rule denies if the Pod would be rejected. It warns if the field merely has no effect.

## Fix

Move the field to the correct object, or correct its name.

## Source

pkg/kube/inject/webhook.go does not decode strictly (Istio 1.31); istio/istio issue 44946.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults, emptied, rename
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per unknown field, except for a misspelt source, which has a rule of its own."""
    for fault in annotation_faults(picture, "unknown-field"):
        if fault.rejects or not emptied(picture, fault):
            effect = "; the API server refuses every Pod" if fault.rejects else ""
            yield Violation(picture.ref, fault.path, fault.detail + effect, rename(fault), certain=fault.rejects)


RULE = RuleMetadata(
    title="A user volume or mount contains an unknown field, which is dropped",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
