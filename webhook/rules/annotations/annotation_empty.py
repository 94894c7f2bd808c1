"""The annotations `userVolume` and `userVolumeMount`, where they are set, contain at least one entry.

## Why

Istio accepts `[]`, `{}` and `null` and mounts nothing. A common cause is a template value that was not set. A Pod that
needs a client certificate then starts without it, and no message reports this. An empty annotation by itself proves no
fault, because a chart may render it for every workload that does not call the partner; this rule therefore only warns.
If a DestinationRule that the workload uses lacks its files as a result, `file-not-mounted` denies the workload.

## Fix

Add the volume or mount to the annotation, or remove the annotation.

## Source

The injection template iterates over the decoded value, and none of these three values has an element (Istio 1.31).
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
    title="userVolume or userVolumeMount is set but contains no entries",
    severity=Severity.WARN,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
