"""Merges mounts and volumes as the injector does: strategic merge, mounts by `mountPath`, volumes by `name`.

Source: k8s.io/apimachinery strategicpatch as Istio 1.31 uses it (pkg/kube/inject/webhook.go).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from webhook.istio.injector.defaults import EVERY_MOUNT_PATH, REPLACEABLE_VOLUMES, SERVICE_ACCOUNT
from webhook.istio.injector.paths import LONGEST, normal
from webhook.model.workload import PROXY, Mount, PodTemplate, Source, Volume


def absolute(path: str, working_dir: str = "") -> str:
    """The path, absolute and without `//`, `.` and `..`; a relative one starts at the working directory or at `/`."""
    if path[:1] != "/":
        return normal(f"{working_dir}/{path}")
    if "//" in path or "/." in path or path[-1] == "/" or len(path) > LONGEST:
        return normal(path)
    return path


def istio_mount(mount: Mount) -> bool:
    """Whether a mount that stands in a manifest is one that the injector or the API server wrote there."""
    return mount.mount_path in EVERY_MOUNT_PATH or mount.name.startswith("kube-api-access")


def merges(pod: PodTemplate) -> bool:
    """Whether an own istio-proxy has mounts, so that the template's are merged into a list by their mountPath.

    The API server mounts the ServiceAccount's token into it before the injector is asked, unless told not to.
    """
    proxy = pod.container(PROXY)
    return proxy is not None and (bool(proxy.mounts) or pod.automount_token is not False)


def with_token(pod: PodTemplate, token: Mount | None) -> tuple[Mount, ...]:
    """The mounts of an own istio-proxy as the injector finds them. token: the ServiceAccount's, if it is mounted."""
    proxy = pod.container(PROXY)
    if proxy is None:
        return ()
    if token is None or any(mount.mount_path == SERVICE_ACCOUNT for mount in proxy.mounts):
        return proxy.mounts
    return (*proxy.mounts, token)


def merge_mounts(own: Sequence[Mount], istio: Sequence[Mount], annotated: Sequence[Mount]) -> tuple[Mount, ...]:
    """The mounts of the finished container: own over annotated over Istio's, where the pod has an own one with mounts.

    Without an own list the template's is copied as it is, doubles included.
    """
    if not own:
        return (*istio, *annotated)
    merged: dict[str, Mount] = {}
    for mount in own:
        merged[mount.mount_path] = _over(mount, merged.get(mount.mount_path))
    template: dict[str, Mount] = {}
    for mount in (*istio, *annotated):
        template[mount.mount_path] = _over(mount, template.get(mount.mount_path))
    for path, mount in template.items():
        merged[path] = _over(merged[path], mount) if path in merged else mount
    return tuple(merged.values())


def _over(upper: Mount, lower: Mount | None) -> Mount:
    """The upper mount with the lower one's fields where it sets none."""
    if lower is None:
        return upper
    return Mount(
        upper.name or lower.name,
        upper.mount_path,
        upper.sub_path or lower.sub_path,
        upper.sub_path_expr or lower.sub_path_expr,
        upper.read_only or lower.read_only,
        upper.path or lower.path,
    )


def by_name(volumes: Iterable[Volume]) -> dict[str, list[Volume]]:
    """The definitions of each volume, in their order."""
    volumes_by_name: dict[str, list[Volume]] = {}
    for volume in volumes:
        volumes_by_name.setdefault(volume.name, []).append(volume)
    return volumes_by_name


def merge_volumes(layers: Sequence[Volume]) -> Volume | None:
    """One volume from its definitions, the later ones over the earlier; two kinds of source both stay."""
    if len(layers) < 2:
        return layers[0] if layers else None
    merged = layers[0]
    for upper in layers[1:]:
        replaced = not merged.path and merged.name in REPLACEABLE_VOLUMES and upper.sources
        sources = upper.sources if replaced else _merge_sources(merged.sources, upper.sources)
        merged = Volume(merged.name, sources, upper.path or merged.path)
    return merged


def _merge_sources(lower: Sequence[Source], upper: Sequence[Source]) -> tuple[Source, ...]:
    merged = {source.kind: source for source in lower}
    for source in upper:
        merged_source = merged.get(source.kind)
        merged[source.kind] = source if merged_source is None else _source_over(source, merged_source)
    return tuple(merged.values())


def _source_over(upper: Source, lower: Source) -> Source:
    return replace(
        upper,
        name=upper.name or lower.name,
        items=upper.items if upper.items is not None else lower.items,
        default_mode=upper.default_mode if upper.default_mode is not None else lower.default_mode,
        optional=upper.optional if upper.optional is not None else lower.optional,
        parts=upper.parts or lower.parts,
    )
