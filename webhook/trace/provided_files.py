"""Which files of the file sets that apply to a workload its user mounts provide, and which mounts that explains.

A mount that provides every file of a file set is explained: no other DestinationRule can make it a fault.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webhook.istio.injector.paths import normal
from webhook.istio.pilot.server_pods import is_behind
from webhook.model.chain import FileState, ResolvedFile
from webhook.model.mesh import FileSet
from webhook.model.workload import Mount, Source, Volume
from webhook.trace.context import WorkloadContext
from webhook.trace.secret_producers import makers, to_come

_THERE = (FileState.UNREADABLE, FileState.NO_OBJECT)
"""States of an absent file that a mount is meant to provide."""


@dataclass(frozen=True, slots=True)
class ProvidedFiles:
    """The files of one file set that user mounts provide. mounts: those with a path of the set below them, in order.

    lost: the paths without a file. awaited: a Secret or ConfigMap of the mounts does not exist yet, or lacks a data key
    that its producer has yet to write. doubtful: a missing object is optional, or its producer
    announces other data keys.
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

    @property
    def pending(self) -> bool:
        """Whether every file will be provided, but only once a Secret or ConfigMap behind the mounts exists."""
        return self.complete and self.awaited


def provided_files(context: WorkloadContext) -> Mapping[FileSet, ProvidedFiles]:
    """By file set that applies and has a path below a user mount: the files that the mounts provide."""
    sets: dict[FileSet, None] = {}
    for mount in context.user_mounts:
        below = context.reach.under(mount.mount_path)
        sets.update(dict.fromkeys(files for files in below if files in context.groups))
    provided = {files: _provided(context, files) for files in sets if not serves_itself(context, files)}
    return {files: by_mounts for files, by_mounts in provided.items() if by_mounts.mounts}


def _provided(context: WorkloadContext, files: FileSet) -> ProvidedFiles:
    resolved = [context.sidecar.resolve(path, context.contents) for _, path in context.view.mesh.used(files)]
    mounts = {file.mount.mount_path: file.mount for file in resolved if file.mount is not None and file.mount.path}
    coming = {file.path for file in resolved if _is_coming(context, file)}
    lost = tuple(file.path for file in resolved if file.absent and file.state not in _THERE and file.path not in coming)
    missing = [file for file in resolved if file.state is FileState.NO_OBJECT]
    doubtful = any(_is_doubtful(context, file) for file in missing)
    return ProvidedFiles(files, tuple(mounts.values()), lost, bool(coming or missing), doubtful)


def _is_doubtful(context: WorkloadContext, file: ResolvedFile) -> bool:
    """Whether an object that does not exist is optional, or will be made without the file's data key."""
    announced = [producer.keys for producer in makers(context.view, file.object)] if file.object is not None else []
    unannounced = bool(announced) and not any(not keys or file.key in keys for keys in announced)
    return unannounced or (file.source is not None and file.source.optional is True)


def _is_coming(context: WorkloadContext, file: ResolvedFile) -> bool:
    """Whether a producer has yet to write the file's data key."""
    lacks = file.state is FileState.NO_KEY and file.object is not None and bool(file.key)
    return lacks and file.object is not None and to_come(context.view, file.object, (file.key,))


def serves_itself(context: WorkloadContext, files: FileSet) -> bool:
    """Whether the workload is a server of every host that uses the files: a server is no client of itself."""
    namespace, labels = context.workload.namespace, context.pod.labels
    users = context.groups.get(files, ())
    return bool(users) and all(is_behind(user.service, namespace, labels) for user in users)


def explained_mounts(context: WorkloadContext, provided: Mapping[FileSet, ProvidedFiles]) -> frozenset[str]:
    """The mount paths of the user mounts whose purpose is known.

    They provide every file of a file set that applies, or files of the listeners of the pod's Sidecar.
    """
    complete = (by_mounts for by_mounts in provided.values() if by_mounts.complete)
    places = {mount.mount_path for by_mounts in complete for mount in by_mounts.mounts}
    places.update(mount.mount_path for mount in context.user_mounts if _for_listeners(context, mount))
    return frozenset(places)


def _for_listeners(context: WorkloadContext, mount: Mount) -> bool:
    """Whether the mount holds files with which the pod's Sidecar makes its own listeners speak TLS."""
    sidecars = context.view.config.sidecars
    sidecar = sidecars.choose(context.workload.namespace, context.pod.labels, context.view.mesh)
    below = normal(mount.mount_path).rstrip("/") + "/"
    return sidecar is not None and any(normal(path).startswith(below) for path in sidecar.ingress_files)


def secrets_of(context: WorkloadContext, mount: Mount) -> tuple[str, ...]:
    """The names of the Secrets behind a mount."""
    volume = context.sidecar.volume(mount.name)
    return tuple(source.name for source in sources_of(volume) if source.kind == "secret" and source.name)


def names_behind(context: WorkloadContext, provided: ProvidedFiles) -> tuple[str, ...]:
    """The names of the volumes and Secrets that provide the files."""
    return tuple(name for mount in provided.mounts for name in (mount.name, *secrets_of(context, mount)))


def sources_of(volume: Volume | None) -> Iterator[Source]:
    """The sources of a volume, with the parts of a projected one."""
    for source in volume.sources if volume is not None else ():
        yield source
        yield from source.parts
