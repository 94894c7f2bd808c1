"""Each volume of `userVolume` has a mount in `userVolumeMount`.

## Why

`userVolume` adds a volume to the Pod, `userVolumeMount` mounts it into the sidecar. With the first one alone the Pod
holds a volume that nobody sees, and the agent finds no file: 503 for every call.

It denies where the volume holds the files of a DestinationRule in force; otherwise it warns.

## Fix

Add the mount: `sidecar.istio.io/userVolumeMount: '[{"name":"client","mountPath":"/etc/mtlsfiles"}]'`.

## Source

The injection template renders the two annotations independently (Istio 1.31). Seen with real traffic: no
userVolumeMount gives 503, and readiness after 15.5 s.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._near_misses import effect, slips
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import directories, quote
from webhook.trace.near_misses import NearMiss
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per user volume that nothing mounts; not where a mount names a volume that is not there."""
    for slip in slips(picture, "unmounted"):
        name = slip.volume.name if slip.volume is not None else ""
        problem = f"{quote(name)} has no mount{effect(picture, slip)}"
        yield Violation(picture.ref, slip.path, problem, _fix(name, slip), certain=slip.sure)


def _fix(name: str, slip: NearMiss) -> str:
    paths = [path for files in slip.files for _, path in files.items()]
    where = directories(paths)[0] if paths else "DIRECTORY"
    return f'add {{"name":{quote(name)},"mountPath":{quote(where)}}} to userVolumeMount'


RULE = RuleMetadata(
    title="A user volume is mounted into no container",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS | WORKLOADS,
)
