"""The faults that the readers of annotations and mounts found, where they count for the workload's sidecar."""

from collections.abc import Iterator

from webhook.istio.injector.mount_faults import FileFault
from webhook.model.chain import AnnotationFault
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def annotation_faults(picture: WorkloadPicture, *kinds: str) -> Iterator[AnnotationFault]:
    """The faults of these kinds; none where there will be no sidecar, or where its template reads no annotation."""
    for fault in picture.annotation_faults:
        if fault.kind in kinds:
            yield fault


def mount_faults(picture: WorkloadPicture, *kinds: str) -> Iterator[FileFault]:
    """The structural faults of these kinds; none where the annotations are refused as they are."""
    for fault in picture.mount_faults:
        if fault.kind in kinds:
            yield fault


def unnamed(picture: WorkloadPicture, path: str) -> bool:
    """Whether the entry at this path, or the field in it, got its name from its position."""
    while path and path not in picture.unnamed:
        path = path.rpartition(".")[0]
    return bool(path)


def explained_by_name(picture: WorkloadPicture, fault: FileFault) -> bool:
    """Whether a mount finds no volume because it, or the only volume that nobody mounts, has no name of its own."""
    idle = picture.idle_volumes
    return unnamed(picture, fault.path) or (len(idle) == 1 and unnamed(picture, idle[0].path))


def emptied(picture: WorkloadPicture, fault: AnnotationFault) -> bool:
    """Whether the fault is a key that leaves a volume without any source, so that it becomes an empty directory."""
    entry = fault.path.removesuffix(f".{fault.field}")
    return any(volume.path == entry and not volume.sources for volume in picture.user.volumes)


def rename(fault: AnnotationFault) -> str:
    """The imperative that mends a wrong key: what to call it, where to move it, or to remove it."""
    outer, _, inner = fault.suggestion.partition(".")
    if inner:
        return f"move it into {quote(outer)}" + ("" if inner == fault.field else f", as {quote(inner)}")
    if outer in ("userVolume", "userVolumeMount"):
        return f"move it into sidecar.istio.io/{outer}"
    return f"write {quote(outer)}" if outer else "remove it, or correct its name"
