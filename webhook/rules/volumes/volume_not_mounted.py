"""Each volume of `userVolume` has a mount in `userVolumeMount`.

## Why

`userVolume` adds a volume to the Pod, and `userVolumeMount` mounts it into the sidecar. With only the first one, no
container of the Pod has the files: the agent does not find them, and every call fails with HTTP 503.

This rule denies if the volume contains the files of a DestinationRule that applies to the workload. Otherwise it warns.

## Fix

Add the mount: `sidecar.istio.io/userVolumeMount: '[{"name":"client","mountPath":"/etc/mtlsfiles"}]'`.

## Source

The injection template renders the two annotations independently (Istio 1.31). Seen with real traffic: without
userVolumeMount, calls fail with 503, and the Pod is ready only after 15.5 s.
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
    title="A user volume is not mounted into any container",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS | WORKLOADS,
)
