"""The Secrets and ConfigMaps behind a sidecar's own mounts, for the rules that ask whether they are there."""

from collections.abc import Iterator
from posixpath import basename

from webhook.model.chain import FileState
from webhook.model.finding import ObjectRef
from webhook.model.workload import Source
from webhook.trace.workload import WorkloadPicture


def secret_ref(picture: WorkloadPicture, name: str) -> ObjectRef:
    """The Secret of that name in the workload's namespace, the only one a volume can mean."""
    return ObjectRef("v1", "Secret", picture.workload.namespace, name)


def config_map_ref(picture: WorkloadPicture, name: str) -> ObjectRef:
    """The ConfigMap of that name in the workload's namespace."""
    return ObjectRef("v1", "ConfigMap", picture.workload.namespace, name)


def mounted_sources(picture: WorkloadPicture, kind: str = "secret") -> Iterator[Source]:
    """The sources of the volumes that a person mounted into the sidecar, each object once.

    kind: `secret` or `configMap`.
    """
    seen: set[str] = set()
    for mount in picture.user_mounts:
        volume = picture.sidecar.volume(mount.name)
        for source in volume.sources if volume is not None else ():
            for part in (source, *source.parts):
                if part.kind == kind and part.name and part.name not in seen:
                    seen.add(part.name)
                    yield part


def effect_of_absence(source: Source) -> str:
    """What it does that the object of a source does not exist."""
    return "its files will be missing" if source.optional else "the Pod will not start"


def is_spare(picture: WorkloadPicture, source: Source, ref: ObjectRef) -> bool:
    """Whether a gateway mounts the object in case it exists, as Istio's charts do, and no DestinationRule needs it."""
    return picture.injection.gateway and bool(source.optional) and not needed_keys(picture, ref)


def needed_keys(picture: WorkloadPicture, ref: ObjectRef) -> tuple[str, ...]:
    """The data keys that the chains need of an object that is missing; file names where nothing else says them."""
    ended = (chain.file for chain in picture.chains if chain.file.state is FileState.NO_OBJECT)
    return tuple(dict.fromkeys(file.key or basename(file.path) for file in ended if file.object == ref))
