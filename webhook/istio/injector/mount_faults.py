"""Faults in the structure of a sidecar's mounts and volumes, as facts for rules.

Faults inside the annotations are found by `annotations`; files in Secrets are resolved by `proxy_filesystem`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from webhook.istio.injector import defaults
from webhook.istio.injector.merge import absolute, merge_volumes, merges
from webhook.istio.injector.proxy_filesystem import SidecarFiles
from webhook.istio.injector.volume_contents import DEFAULT_MODE
from webhook.model.workload import Mount, Source, Volume


@dataclass(frozen=True, slots=True)
class FileFault:
    """One structural fault.

    kind: `volume-not-found`, `volume-not-mounted`, `mount-path-twice`, `mount-path-shadowed`, `volume-name-twice`,
    `application-volume`, `application-mode`, `istio-volume`, `reserved-volume`, `two-sources`, `hides-files`,
    `identity-files` or `init-container`. path: where it is written. detail: the fact, in words. rejects: whether the
    Pod is refused.
    files: what it hides; for `identity-files` the paths that would take the mesh identity over if they exist.
    """

    kind: str
    path: str
    detail: str
    rejects: bool
    mount: Mount | None = None
    volume: Volume | None = None
    files: tuple[str, ...] = ()


def find_faults(files: SidecarFiles) -> tuple[FileFault, ...]:
    """Every structural fault of this sidecar, volumes first, in the order in which they are written."""
    return (*_volume_faults(files), *_mount_faults(files), *_container_faults(files))


def _volume_faults(files: SidecarFiles) -> Iterator[FileFault]:
    earlier: dict[str, Volume] = {}
    application = {volume.name: volume for volume in reversed(files.pod.volumes)}
    mounted = _mounted(files)
    for volume in files.user.volumes:
        if volume.name in application:
            yield from _with_application(volume, application[volume.name])
        elif volume.name in defaults.VOLUMES:
            yield _with_istio(volume)
        elif volume.name in earlier:
            yield from _twice(volume, earlier[volume.name], alone=_alone(files))
        elif volume.name not in mounted:
            detail = f'volume "{volume.name}" is mounted into no container'
            yield FileFault("volume-not-mounted", volume.path, detail, rejects=False, volume=volume)
        earlier.setdefault(volume.name, volume)


def _mounted(files: SidecarFiles) -> set[str]:
    """Names of the volumes that some container mounts."""
    names = {mount.name for mount in files.user_mounts}
    return names.union(mount.name for container in files.pod.containers for mount in container.mounts)


def _alone(files: SidecarFiles) -> bool:
    """Whether the pod has no volume when the injector sees it: it then copies the template's list, doubles included."""
    return not files.pod.volumes and files.pod.automount_token is False


def _twice(volume: Volume, earlier: Volume, *, alone: bool) -> Iterator[FileFault]:
    """A name given twice: harmless only where both say the same, and are merged."""
    clash = _clash(earlier, volume)
    if alone and not clash:
        detail = f'the name "{volume.name}" is given twice, and may be once where the pod has no volume of its own'
        yield FileFault("volume-name-twice", volume.path, detail, rejects=True, volume=volume)
    elif volume.sources != earlier.sources:
        detail = f'the name "{volume.name}" is given twice, {clash or "and the later one overwrites the earlier"}'
        kind = "two-sources" if clash else "volume-name-twice"
        yield FileFault(kind, volume.path, detail, bool(clash), volume=volume)


def _with_application(volume: Volume, application: Volume) -> Iterator[FileFault]:
    """A name that the pod spec has too: harmless only where the merge leaves the pod spec's volume as it is."""
    if _sources(merge_volumes((application, volume))) == _sources(application):
        return
    clash = _clash(application, volume)
    if clash:
        kind, effect = "two-sources", clash
    elif _same_files(application, volume):
        kind, effect = "application-mode", "and changes the modes of its files, or whether they may be missing"
    else:
        kind, effect = "application-volume", "and overwrites what the application's containers see"
    detail = f'"{volume.name}" is also the name of {application.path}, {effect}'
    yield FileFault(kind, volume.path, detail, bool(clash), volume=volume)


def _sources(volume: Volume | None) -> list[Source]:
    """What a volume shows, with what holds where nothing is said."""
    return [_explicit(source) for source in (volume.sources if volume is not None else ())]


def _explicit(source: Source) -> Source:
    mode = DEFAULT_MODE if source.default_mode is None else source.default_mode
    return replace(source, default_mode=mode, optional=bool(source.optional))


def _same_files(application: Volume, volume: Volume) -> bool:
    """Whether a volume shows the same files, whatever their modes, once another is merged into it."""
    merged = merge_volumes((application, volume))
    return merged is not None and [*map(_shown, merged.sources)] == [*map(_shown, application.sources)]


def _shown(source: Source) -> Source:
    """A source without modes, and without what may be missing."""
    items = None if source.items is None else tuple(replace(item, mode=None) for item in source.items)
    return replace(source, items=items, default_mode=None, optional=False)


def _with_istio(volume: Volume) -> FileFault:
    if volume.name in defaults.REPLACEABLE_VOLUMES:
        detail = f'"{volume.name}" is a volume of Istio, which this one replaces'
        return FileFault("reserved-volume", volume.path, detail, rejects=False, volume=volume)
    clash = _clash(defaults.VOLUMES[volume.name], volume)
    detail = f'"{volume.name}" is a volume of Istio, {clash or "and this one overwrites it"}'
    return FileFault("two-sources" if clash else "istio-volume", volume.path, detail, bool(clash), volume=volume)


def _clash(earlier: Volume, later: Volume) -> str:
    merged = merge_volumes((earlier, later))
    kinds = [source.kind for source in merged.sources] if merged is not None else []
    return f"with two sources after the merge ({', '.join(kinds)}), and may have one" if len(kinds) > 1 else ""


def _mount_faults(files: SidecarFiles) -> Iterator[FileFault]:
    merging = merges(files.pod)
    counts = {mount.mount_path: mount.name for mount in files.mounts} if merging else {}
    mounted_by = {} if merging else dict.fromkeys(files.istio_paths, "Istio")
    covered: dict[str, Mount] = {}
    for mount in files.user_mounts:
        replaced = counts.get(mount.mount_path, mount.name) != mount.name
        if files.volume(mount.name) is None and not late(mount) and not replaced:
            detail = f'the pod has no volume "{mount.name}"'
            yield FileFault("volume-not-found", f"{mount.path}.name", detail, rejects=True, mount=mount)
        directory = absolute(mount.mount_path)
        if mount.mount_path in mounted_by and not merging:
            detail = f'"{mount.mount_path}" is already mounted by {mounted_by[mount.mount_path]}, and may be once'
            yield FileFault("mount-path-twice", f"{mount.path}.mountPath", detail, rejects=True, mount=mount)
        elif directory in covered and covered[directory].name != mount.name:
            detail = (
                f'"{mount.mount_path}" is the same directory as {covered[directory].path}, and only one is seen there'
            )
            yield FileFault("mount-path-shadowed", f"{mount.path}.mountPath", detail, rejects=False, mount=mount)
        elif mount.mount_path:
            yield from _covering(mount, directory, files)
        mounted_by.setdefault(mount.mount_path, mount.path)
        covered[directory] = mount


def late(mount: Mount) -> bool:
    """Whether another webhook is known to add the mount's volume to the pod."""
    return mount.name in defaults.LATE_VOLUMES or mount.name.startswith("kube-api-access")


def _covering(mount: Mount, mount_directory: str, files: SidecarFiles) -> Iterator[FileFault]:
    """What of Istio and of its image the mount hides, and which names in it the agent would take for its own."""
    path = f"{mount.path}.mountPath"
    hidden = _hidden(mount_directory, files)
    if hidden:
        detail = f'"{mount.mount_path}" hides {", ".join(hidden)}, which the proxy needs'
        yield FileFault("hides-files", path, detail, rejects=False, mount=mount, files=hidden)
    for directory, names in defaults.IDENTITY_FILES.items():
        if directory == mount_directory or directory.startswith(mount_directory.rstrip("/") + "/"):
            taken = tuple(f"{directory}/{name}" for name in names)
            detail = f"the agent takes {', '.join(names)} in {directory} for its own mesh identity"
            yield FileFault("identity-files", path, detail, rejects=False, mount=mount, files=taken)


def _hidden(directory: str, files: SidecarFiles) -> tuple[str, ...]:
    below = directory.rstrip("/") + "/"
    if directory in files.istio_paths:
        return (directory,)
    if directory in defaults.FILES:
        return (directory,)
    return tuple(sorted(path for path in defaults.IMAGE_FILES if path.startswith(below)))


def _container_faults(files: SidecarFiles) -> Iterator[FileFault]:
    proxy = files.own
    if proxy is None or not proxy.init or files.injection.manual or files.injection.native is not False:
        return
    detail = "istio-proxy stands under initContainers, and the sidecar is no native one, so that the name comes twice"
    yield FileFault("init-container", proxy.path, detail, rejects=True)
