"""Reads userVolume and userVolumeMount as Istio's injector renders them, and everything that is wrong in them.

JSON itself is read by `annotation_json`, fields by `annotation_decoder`. Whether the pod is injected is in `decision`,
the files of its sidecar are in `proxy_filesystem`. Behaviour of Istio 1.31 (injection-template.yaml,
pkg/kube/inject) and of the API server's validation, Kubernetes 1.37.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webhook.istio.injector.annotation_decoder import FieldReader, shown
from webhook.istio.injector.annotation_json import NotJson, load
from webhook.istio.injector.merge import merges
from webhook.istio.injector.volume_schema import MOUNT, VOLUME, Shape
from webhook.kinds.list_limits import ENTRIES
from webhook.kinds.volume import SOURCE_KINDS, read_mount, read_volume
from webhook.model.byte_bounded_cache import Cache
from webhook.model.chain import AnnotationFault, UserVolumes
from webhook.model.workload import Mount, PodTemplate, Volume

USER_VOLUME = "sidecar.istio.io/userVolume"
USER_VOLUME_MOUNT = "sidecar.istio.io/userVolumeMount"
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NOTHING = UserVolumes()
_KEPT_BYTES = 8 * 1024 * 1024
"""Of what was read from texts, which come again from review to review."""
_EXPLAINS = ("unknown-field", "wrong-type")

Entry = tuple[str, dict[str, Any]]
"""The path where an entry stands, and its fields with the name that it gets."""
Faults = tuple[AnnotationFault, ...]
_VOLUMES_READ: Cache[tuple[str, str], tuple[tuple[Volume, ...], Faults]] = Cache(_KEPT_BYTES)
_MOUNTS_READ: Cache[tuple[str, str, bool], tuple[tuple[Mount, ...], Faults]] = Cache(_KEPT_BYTES)


def read_user_volumes(pod: PodTemplate) -> UserVolumes:
    """The volumes and mounts that the two annotations of this pod template name, with their faults in order."""
    present = frozenset(name for name in (USER_VOLUME, USER_VOLUME_MOUNT) if name in pod.annotations)
    if not present:
        return _NOTHING
    volumes, volume_faults = _read_volumes(pod.annotations.get(USER_VOLUME), _path(pod.path, USER_VOLUME))
    mounts, mount_faults = _read_mounts(
        pod.annotations.get(USER_VOLUME_MOUNT), _path(pod.path, USER_VOLUME_MOUNT), own=merges(pod)
    )
    return UserVolumes(volumes, mounts, (*volume_faults, *mount_faults), present)


def user_secrets(annotations: Mapping[str, str], path: str) -> Iterator[str]:
    """The Secrets that the volumes of a pod template's annotations name. path: where the template stands."""
    volumes, _ = _read_volumes(annotations.get(USER_VOLUME), _path(path, USER_VOLUME))
    for source in (source for volume in volumes for source in volume.sources):
        for part in (source, *source.parts):
            if part.kind == "secret" and part.name:
                yield part.name


def _path(template: str, name: str) -> str:
    return f'{template}.metadata.annotations["{name}"]' if template else f'metadata.annotations["{name}"]'


def _read_volumes(text: str | None, path: str) -> tuple[tuple[Volume, ...], Faults]:
    if text is None:
        return (), ()
    cached = _VOLUMES_READ.get((text, path))
    return cached if cached is not None else _VOLUMES_READ.put((text, path), _volumes(text, path))


def _volumes(text: str, path: str) -> tuple[tuple[Volume, ...], Faults]:
    reader = FieldReader(USER_VOLUME)
    volumes = []
    for entry_path, entry in _entries(text, path, VOLUME, reader):
        if reader.full:
            break
        earlier = len(reader.faults)
        fields = reader.read(entry, VOLUME, entry_path)
        if _check_name(fields, entry_path, reader) and not _LABEL.fullmatch(fields["name"]):
            _invalid_name(fields["name"], entry_path, reader)
        explained = any(fault.kind in _EXPLAINS for fault in reader.faults[earlier:])
        _check_sources(entry, fields, (entry_path, reader), explained=explained)
        volumes.append(read_volume(fields, entry_path))
        _check_projected(volumes[-1], reader)
        _check_items(volumes[-1], reader)
    return tuple(volumes), tuple(reader.faults)


def _read_mounts(text: str | None, path: str, *, own: bool) -> tuple[tuple[Mount, ...], Faults]:
    if text is None:
        return (), ()
    cached = _MOUNTS_READ.get((text, path, own))
    return cached if cached is not None else _MOUNTS_READ.put((text, path, own), _mounts(text, path, own))


def _mounts(text: str, path: str, own: bool) -> tuple[tuple[Mount, ...], Faults]:  # noqa: FBT001
    reader = FieldReader(USER_VOLUME_MOUNT)
    mounts = []
    for entry_path, entry in _entries(text, path, MOUNT, reader):
        if reader.full:
            break
        fields = reader.read(entry, MOUNT, entry_path)
        _check_name(fields, entry_path, reader)
        if own and "mountPath" in fields and "mountPath" not in entry:
            _unmergeable(entry, entry_path, reader)
        _check_paths(fields, entry_path, reader)
        mounts.append(read_mount(fields, entry_path))
    return tuple(mounts), tuple(reader.faults)


def _entries(text: str, path: str, shape: Shape, reader: FieldReader) -> Iterable[Entry]:
    """The entries that the template would write, each with `name` first and the entry's own fields over it."""
    try:
        value = load(text)
    except NotJson as error:
        reader.fault("not-json", path, str(error), rejects=True)
        return ()
    if value is None or value in ([], {}):
        reader.fault("empty", path, f"is {text.strip()}, so that nothing is mounted", rejects=False)
        return ()
    if isinstance(value, list):
        pairs = [(str(index), f"{path}[{index}]", one) for index, one in enumerate(value[:ENTRIES])]
    elif isinstance(value, dict) and not _single(value, shape):
        pairs = [(key, f'{path}["{key}"]', value[key]) for key in sorted(value)[:ENTRIES]]
        _check_keys(pairs, reader)
    else:
        _not_a_list(value, path, reader)
        return ()
    if len(value) > ENTRIES:
        reader.left_out(path, len(value), ENTRIES)
    return [entry for pair in pairs if (entry := _entry(*pair, reader=reader, array=isinstance(value, list)))]


def _entry(name: str, path: str, value: Any, *, reader: FieldReader, array: bool) -> Entry | None:
    if not isinstance(value, dict) or not value:
        description = "an empty object" if value == {} else shown(value)
        reader.fault("entry-not-an-object", path, f"is {description}, and must be an object", rejects=True)
        return None
    if array and "name" not in value:
        _unnamed(name, path, value, reader)
    return path, {"name": name, **value}


def _unnamed(name: str, path: str, value: Mapping[str, Any], reader: FieldReader) -> None:
    """The position becomes the name; a `Name` does not count, for the generated `name` sorts after it."""
    misspelt = next((key for key in value if key.casefold() == "name"), "")
    detail = (
        f'"{misspelt}" is not "name", so that it is called "{name}"'
        if misspelt
        else f'has no name and is called "{name}"'
    )
    reader.fault("unnamed", path, detail, rejects=False, about=(misspelt or "name", "name" if misspelt else ""))


def _single(value: Mapping[str, Any], shape: Shape) -> bool:
    """Whether this is one entry whose brackets were forgotten, not a map of names to entries."""
    return any(
        not isinstance(field_value, dict) and key.casefold() in shape.folded for key, field_value in value.items()
    )


def _not_a_list(value: Any, path: str, reader: FieldReader) -> None:
    detail = "is a single object without the brackets of a list"
    suggestion = "[...]"
    if isinstance(value, str):
        detail, suggestion = "is a text in quotes, and must be a list", ""
        if value.lstrip()[:1] in ("[", "{"):
            detail = "is JSON encoded twice: a list inside a text"
    elif not isinstance(value, dict):
        detail, suggestion = f"is {shown(value)}, and must be a list", ""
    reader.fault("not-a-list", path, detail, rejects=True, about=("", suggestion))


def _check_keys(pairs: Iterable[tuple[str, str, Any]], reader: FieldReader) -> None:
    """Quotes and backslashes of a key break the YAML that the template writes it into."""
    for key, path, _ in pairs:
        if '"' in key or "\\" in key:
            reader.fault(
                "invalid-name", path, f"the key {key!r} breaks the injector's YAML", rejects=True, about=(key, "")
            )


def _check_name(fields: Mapping[str, Any], path: str, reader: FieldReader) -> bool:
    """Whether there is a name to look at; an empty one is a fault, one of a wrong type already was."""
    if fields.get("name"):
        return True
    if f"{path}.name" not in reader.paths:
        reader.fault("invalid-name", f"{path}.name", "is empty", rejects=True, about=("name", ""))
    return False


def _invalid_name(name: str, path: str, reader: FieldReader) -> None:
    meant = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:63].rstrip("-")
    detail = f'"{name[:80]}" is no volume name: lower-case letters, digits and "-", at most 63'
    reader.fault("invalid-name", f"{path}.name", detail, rejects=True, about=("name", meant))


def _check_sources(
    entry: Mapping[str, Any], fields: Mapping[str, Any], place: tuple[str, FieldReader], *, explained: bool
) -> None:
    """A volume wants one source. explained: a misspelt or wrongly typed one has been reported as what it is."""
    path, reader = place
    kinds = [kind for kind in fields if kind in SOURCE_KINDS]
    if len(kinds) > 1:
        detail = f"has {len(kinds)} sources ({', '.join(sorted(kinds))}), and may have one"
        reader.fault("two-sources", path, detail, rejects=True)
    if not kinds and not explained:
        nulls = ", ".join(key for key, field_value in entry.items() if field_value is None)
        detail = f"the source {nulls} is null" if nulls else "names no source"
        reader.fault("no-source", path, f"{detail}, so that the volume is an empty directory", rejects=False)


def _check_projected(volume: Volume, reader: FieldReader) -> None:
    """The API server wants each file of a projected volume named once (validation.go, validateProjectionSources)."""
    seen: set[str] = set()
    parts = (part for source in volume.sources for part in source.parts if part.kind != "serviceAccountToken")
    for part in parts:
        for item in part.items or ():
            if item.path and item.path in seen:
                detail = f'makes the file "{item.path[:80]}" twice, and may make it once'
                about = ("projected", "")
                reader.fault("two-sources", f"{volume.path}.projected", detail, rejects=True, about=about)
            seen.add(item.path)


def _check_items(volume: Volume, reader: FieldReader) -> None:
    """The API server wants the path of an item below the volume (validation.go, validateKeyToPath)."""
    parts = (part for source in volume.sources for part in (source, *source.parts))
    for item in (item for part in parts for item in part.items or ()):
        if item.path.startswith(("/", "..")) or ".." in item.path.split("/"):
            detail = f'has an item with path "{item.path[:80]}", which must be a relative path without ".."'
            reader.fault("invalid-name", volume.path, detail, rejects=True, about=("items", ""))


def _check_paths(fields: Mapping[str, Any], path: str, reader: FieldReader) -> None:
    """What the API server refuses in a mount (validation.go, ValidateVolumeMounts)."""
    for name in ("subPath", "subPathExpr"):
        below = fields.get(name, "")
        if below.startswith("/") or ".." in below.split("/"):
            detail = f'is "{below[:80]}", and must be a relative path without ".."'
            reader.fault("invalid-name", f"{path}.{name}", detail, rejects=True, about=(name, ""))
    if fields.get("subPath") and fields.get("subPathExpr"):
        detail = "stands beside subPath, and only one of them is allowed"
        reader.fault("invalid-name", f"{path}.subPathExpr", detail, rejects=True, about=("subPathExpr", ""))


def _unmergeable(entry: Mapping[str, Any], path: str, reader: FieldReader) -> None:
    spelling = next(key for key in entry if key.casefold() == "mountpath")
    detail = f'"{spelling}" must be spelt "mountPath" where the pod has an istio-proxy container of its own'
    reader.fault("required-field", f"{path}.{spelling}", detail, rejects=True, about=(spelling, "mountPath"))
