"""The Secrets behind a sidecar's own mounts, for the rules that ask whether they are there."""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef
from webhook.model.workload import Source
from webhook.trace.workload import WorkloadPicture


def secret_ref(picture: WorkloadPicture, name: str) -> ObjectRef:
    """The Secret of that name in the workload's namespace, the only one a volume can mean."""
    return ObjectRef("v1", "Secret", picture.workload.namespace, name)


def mounted_sources(picture: WorkloadPicture) -> Iterator[Source]:
    """The Secret sources of the volumes that a person mounted into the sidecar, each Secret once."""
    seen: set[str] = set()
    for mount in picture.user_mounts:
        volume = picture.sidecar.volume(mount.name)
        for source in volume.sources if volume is not None else ():
            for part in (source, *source.parts):
                if part.kind == "secret" and part.name and part.name not in seen:
                    seen.add(part.name)
                    yield part
