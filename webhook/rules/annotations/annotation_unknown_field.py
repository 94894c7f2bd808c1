"""`userVolume` and `userVolumeMount` hold only fields that Kubernetes knows at that place.

## Why

The injector drops what it does not know without a word. `optional` or `defaultMode` beside `secret` instead of in it
has no effect: the Secret stays required, and the Pod waits for it in ContainerCreating. `path` instead of
`mountPath`, or `name` instead of `secretName`, leaves a required field empty, and the API server refuses the Pod.

What only has no effect warns; what makes the Pod be refused denies.

## Fix

Move the field to where it belongs, or correct its name.

## Source

pkg/kube/inject/webhook.go decodes without strictness (Istio 1.31); istio/istio issue 44946.
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
    title="A field of a user volume is unknown there, and dropped",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
