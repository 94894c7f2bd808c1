"""What the user mounts of a workload provide of the file sets that apply to it, and which mounts that explains.

A mount that provides every file of a file set is explained: no other DestinationRule can make it a fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook.istio.injector.paths import normal
from webhook.istio.pilot.server_pods import is_behind
from webhook.model.chain import FileState, ResolvedFile
from webhook.model.mesh import FileSet
from webhook.model.workload import Mount, Source, Volume
from webhook.trace.secret_producers import makers, to_come

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture

_THERE = (FileState.UNREADABLE, FileState.NO_OBJECT)
"""States of a file that the mount is for, whatever is wrong with it otherwise."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What user mounts provide of one file set. mounts: those below which it has a path, in order.

    lost: the paths that lead to no file. awaited: an object behind the mounts does not exist. doubtful: such an object
    is optional, or what makes it announces other data keys.
    """

    files: FileSet
    mounts: tuple[Mount, ...]
    lost: tuple[str, ...]
    awaited: bool = False
    doubtful: bool = False

    @property
    def complete(self) -> bool:
        """Whether every file of the set is provided, or will be once its Secret exists."""
        return not self.lost


def supplies(picture: "WorkloadPicture") -> Mapping[FileSet, Supply]:
    """By file set that applies and has a path below a user mount: what the mounts provide of it."""
    sets: dict[FileSet, None] = {}
    for mount in picture.user_mounts:
        below = picture.reach.under(mount.mount_path)
        sets.update(dict.fromkeys(files for files in below if files in picture.groups))
    supplied = {files: _supply(picture, files) for files in sets if not serves_itself(picture, files)}
    return {files: supply for files, supply in supplied.items() if supply.mounts}


def _supply(picture: "WorkloadPicture", files: FileSet) -> Supply:
    resolved = [picture.sidecar.resolve(path, picture.contents) for _, path in picture.view.mesh.used(files)]
    mounts = {file.mount.mount_path: file.mount for file in resolved if file.mount is not None and file.mount.path}
    coming = {file.path for file in resolved if _is_coming(picture, file)}
    lost = tuple(file.path for file in resolved if file.absent and file.state not in _THERE and file.path not in coming)
    missing = [file for file in resolved if file.state is FileState.NO_OBJECT]
    doubtful = any(_is_doubtful(picture, file) for file in missing)
    return Supply(files, tuple(mounts.values()), lost, bool(coming or missing), doubtful)


def _is_doubtful(picture: "WorkloadPicture", file: ResolvedFile) -> bool:
    """Whether an object that does not exist is optional, or will be made without the file's data key."""
    announced = [one.keys for one in makers(picture.view, file.object)] if file.object is not None else []
    unannounced = bool(announced) and not any(not keys or file.key in keys for keys in announced)
    return unannounced or (file.source is not None and file.source.optional is True)


def _is_coming(picture: "WorkloadPicture", file: ResolvedFile) -> bool:
    """Whether a producer has yet to write the file's data key."""
    lacks = file.state is FileState.NO_KEY and file.object is not None and bool(file.key)
    return lacks and file.object is not None and to_come(picture.view, file.object, (file.key,))


def awaited(picture: "WorkloadPicture", files: FileSet) -> bool:
    """Whether the user mounts provide the files only once a Secret or ConfigMap behind them exists."""
    supply = picture.supplies.get(files)
    return supply is not None and supply.complete and supply.awaited


def serves_itself(picture: "WorkloadPicture", files: FileSet) -> bool:
    """Whether the workload is behind each host for which the files are: a server is not a caller of itself."""
    namespace, labels = picture.workload.namespace, picture.pod.labels
    users = picture.groups.get(files, ())
    return bool(users) and all(is_behind(user.service, namespace, labels) for user in users)


def explained(picture: "WorkloadPicture") -> frozenset[str]:
    """The directories of the user mounts of which it is known what they are for.

    They provide every file of a file set that applies, or files of the listeners of the pod's Sidecar.
    """
    complete = (supply for supply in picture.supplies.values() if supply.complete)
    places = {mount.mount_path for supply in complete for mount in supply.mounts}
    places.update(mount.mount_path for mount in picture.user_mounts if _for_listeners(picture, mount))
    return frozenset(places)


def _for_listeners(picture: "WorkloadPicture", mount: Mount) -> bool:
    """Whether the mount holds files with which the pod's Sidecar makes its own listeners speak TLS."""
    sidecars = picture.view.config.sidecars
    sidecar = sidecars.choose(picture.workload.namespace, picture.pod.labels, picture.view.mesh)
    below = normal(mount.mount_path).rstrip("/") + "/"
    return sidecar is not None and any(normal(path).startswith(below) for path in sidecar.ingress_files)


def secrets_of(picture: "WorkloadPicture", mount: Mount) -> tuple[str, ...]:
    """The names of the Secrets behind a mount."""
    volume = picture.sidecar.volume(mount.name)
    return tuple(source.name for source in sources_of(volume) if source.kind == "secret" and source.name)


def names_behind(picture: "WorkloadPicture", supply: Supply) -> tuple[str, ...]:
    """The names of the volumes and Secrets that provide the files."""
    return tuple(name for mount in supply.mounts for name in (mount.name, *secrets_of(picture, mount)))


def sources_of(volume: Volume | None) -> Iterator[Source]:
    """The sources of a volume, with the parts of a projected one."""
    for source in volume.sources if volume is not None else ():
        yield source
        yield from source.parts
