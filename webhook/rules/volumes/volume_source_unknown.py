"""Each volume of `userVolume` has a source that Kubernetes knows.

## Why

A misspelt source (`secrets`, `comfigMap`), or `secretName` directly in the volume, is silently dropped. The volume then
has no source, and Kubernetes makes it an empty directory: the Pod runs and the directory is mounted, but the files are
missing, and every call fails with HTTP 503.

## Fix

Write the source as `"secret": {"secretName": "NAME"}`.

## Source

Kubernetes, `SetDefaults_Volume`: no source means `emptyDir`; istio/istio issue 39312. Seen with real traffic: a
misspelt source causes 503, and the Pod is ready only after 15.5 s.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults, emptied, rename
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per volume whose only source is a name that nobody knows; a new kind of volume warns."""
    for fault in annotation_faults(picture, "unknown-field"):
        if not fault.rejects and emptied(picture, fault):
            yield Violation(picture.ref, fault.path, fault.detail, rename(fault), certain=bool(fault.suggestion))


RULE = RuleMetadata(
    title="The source of a user volume is misspelt, so the volume is empty",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
