"""An annotation `userVolume` or `userVolumeMount` that is there holds at least one entry.

## Why

`[]`, `{}` and `null` are accepted, and mount nothing. Often a template's value was not set. A Pod that should have had
its client certificate starts without it, and no message says so. Alone it proves nothing: a chart renders it for every
workload that never calls the partner, so it warns. What a rule that the workload means then lacks is said, and denied,
by `file-not-mounted`.

## Fix

Fill the annotation, or remove it.

## Source

The injection template ranges over the decoded value; none of these three has an element (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per empty annotation, unless entries of the other one tell of it already."""
    if not picture.user.volumes and not picture.user.mounts:
        for fault in annotation_faults(picture, "empty"):
            yield Violation(picture.ref, fault.path, fault.detail, "fill the list, or remove the annotation")


RULE = RuleMetadata(
    title="userVolume or userVolumeMount is there and holds nothing",
    severity=Severity.WARN,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
