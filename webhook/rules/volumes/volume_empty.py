"""The volume with the files of a DestinationRule has a source that provides them.

## Why

A volume of type `emptyDir`, whether written or the default for a volume without a source, is an empty directory. If no
other container mounts it and writes the files, the agent does not find them, and every call fails with HTTP 503.

## Fix

Give the volume a source: `"secret": {"secretName": "NAME"}`.

## Source

Kubernetes, `SetDefaults_Volume`: no source means `emptyDir`. Seen with real traffic: an empty directory causes 503, and
the Pod is ready only after 15.5 s.
"""

from collections.abc import Iterator

from webhook.model.chain import Chain, FileState
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults, emptied
from webhook.rules._missing import in_istios_mount
from webhook.rules._reads import CHAINS
from webhook.rules._words import quote, read_by
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per empty volume, unless a misspelt source explains it."""
    if picture.user.rejected:
        return
    seen: set[str] = set()
    for chain in picture.chains:
        volume = chain.file.volume
        if chain.file.state is not FileState.NO_SOURCE or volume is None or len(volume.sources) > 1:
            continue
        if in_istios_mount(chain):
            continue
        if volume.name not in seen:
            seen.add(volume.name)
            if not any(emptied(picture, fault) for fault in annotation_faults(picture, "unknown-field")):
                yield _empty(picture, chain, volume.path)


def _empty(picture: WorkloadPicture, chain: Chain, path: str) -> Violation:
    problem = f"{chain.file.reason}, and {read_by(chain)} reads {quote(chain.path)}"
    return Violation(picture.ref, path, problem, 'write "secret": {"secretName": "NAME"}')


RULE = RuleMetadata(
    title="A file that the sidecar reads is in an empty directory",
    severity=Severity.DENY,
    about="workload",
    over="chains",
    reads=CHAINS,
)
