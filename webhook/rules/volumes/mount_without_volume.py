"""Each mount of the sidecar names a volume of the Pod.

## Why

`userVolumeMount` refers to a volume of `userVolume` or `spec.volumes` by name. If there is no volume with that name,
the API server rejects the Pod (`volumeMounts[...].name: Not found`). The Deployment is accepted, and the old Pods keep
running.

## Fix

Give the volume and the mount the same name, or add the volume to `userVolume`.

## Source

Kubernetes: pkg/apis/core/validation, `ValidateVolumeMounts`. Seen with real traffic: without userVolume, the Pod is
rejected.
"""

from collections.abc import Iterator

from webhook.istio.injector.annotations import USER_VOLUME
from webhook.istio.injector.templates import BUILT_IN
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import explained_by_name, mount_faults
from webhook.rules._reads import CHAINS
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount without a volume, unless a missing name or a misspelt annotation explains it."""
    for fault in mount_faults(picture, "volume-not-found"):
        if not explained_by_name(picture, fault) and not any(
            near_miss.lacks_annotation(USER_VOLUME) for near_miss in picture.near_misses
        ):
            name = fault.mount.name if fault.mount is not None else ""
            certain = BUILT_IN.issuperset(picture.injection.templates)
            problem = f"{fault.detail}; the API server refuses every Pod"
            yield Violation(picture.ref, fault.path, problem, _fix(picture, name), certain=certain)


def _fix(picture: WorkloadPicture, name: str) -> str:
    mounted = {mount.name for mount in picture.user_mounts}
    idle = [volume.name for volume in picture.user.volumes if volume.name not in mounted]
    if len(idle) == 1:
        return f"call it {quote(idle[0])}, as in userVolume"
    return f'add {{"name":{quote(name)},"secret":{{"secretName":"NAME"}}}} to {USER_VOLUME}'


RULE = RuleMetadata(
    title="A mount of the sidecar names a volume that the Pod does not have",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=CHAINS,
)
