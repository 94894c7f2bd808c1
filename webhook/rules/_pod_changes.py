"""What a change of a running Pod says that is read only when a Pod is created."""

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import KNOWN
from webhook.trace.workload import WorkloadPicture

READ_AT_CREATION = (*KNOWN, USER_VOLUME, USER_VOLUME_MOUNT)


def changed(picture: WorkloadPicture) -> list[str]:
    """The annotations that a change of a running Pod changes without effect; none on any other occasion."""
    if picture.occasion.before is None:
        return []
    before, after = dict(picture.occasion.before), picture.pod.annotations
    return [name for name in READ_AT_CREATION if before.get(name) != after.get(name)]
