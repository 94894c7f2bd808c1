"""Finds one file in a volume whose content the cluster knows: secret, configMap, projected, downwardAPI.

`proxy_filesystem` finds the volume of a path and checks who may read the file. Source: kubelet's volume plugins
(pkg/volume/secret, configmap, projected), Kubernetes 1.37.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from webhook.model.chain import FileState
from webhook.model.material import Material
from webhook.model.workload import KeyToPath, Mount, Source

DEFAULT_MODE = 0o644
_KINDS = {"secret": "Secret", "configMap": "ConfigMap"}
_SHOWN = 6


class Contents(Protocol):
    """What the Secrets and ConfigMaps of one namespace hold, as far as anybody can see."""

    @property
    def namespace(self) -> str:
        """The namespace of the pod, the only one that its volumes can mean."""
        ...

    def unread(self, kind: str, name: str) -> str:
        """Why nobody can tell whether an object that `keys` does not know exists, '' when it does not."""
        ...

    def keys(self, kind: str, name: str) -> Mapping[str, Material] | None:
        """The keys of the `secret` or `configMap` of that name with their facts, None when it is not in view."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path inside a volume. source: the secret, configMap or part that decided; mode: of the file."""

    state: FileState
    reason: str = ""
    source: Source | None = None
    key: str = ""
    material: Material | None = None
    mode: int = DEFAULT_MODE


def find_mounted(mount: Mount, source: Source, path_in_mount: str, contents: Contents) -> Found:
    """The file at `path_in_mount` in a mount; a subPath is one file or directory, bound when the container starts."""
    below = mount.sub_path or mount.sub_path_expr
    if "$(" in mount.sub_path_expr:
        return Found(FileState.UNKNOWN, f'subPathExpr "{mount.sub_path_expr}" depends on the pod')
    below = _plain(below)
    if not below:
        return find_file(source, path_in_mount, contents)
    target = find_file(source, below, contents)
    if target.state is FileState.DIRECTORY and path_in_mount:
        return find_file(source, f"{below}/{path_in_mount}", contents)
    if target.state is FileState.NO_KEY:
        reason = f'subPath "{below}" is no file of the volume, so that the kubelet makes it an empty directory'
        state = FileState.BEHIND_SUB_PATH if path_in_mount else FileState.DIRECTORY
        return Found(state, reason, target.source, target.key)
    if target.state is FileState.PRESENT and path_in_mount:
        return Found(FileState.BEHIND_SUB_PATH, f'subPath makes the mount the one file "{below}"', target.source)
    return target


def find_file(source: Source, inside: str, contents: Contents) -> Found:
    """The file at this path inside a volume of this source; '' is the volume's root, a directory."""
    inside = inside.removeprefix("..data/") if inside != "..data" else ""
    if not inside:
        return Found(FileState.DIRECTORY, "is the directory of the mount", source)
    if source.kind == "projected":
        return _in_parts(source, inside, contents)
    return _in_source(source, inside, contents, source.default_mode)


def _in_source(source: Source, inside: str, contents: Contents, default_mode: int | None) -> Found:
    if source.kind not in _KINDS:
        return _listed(source, inside)
    mode = DEFAULT_MODE if default_mode is None else default_mode
    if source.items is None:
        if "/" in inside:
            return Found(FileState.NO_KEY, "a key holds no /, and so there are no directories", source)
        return _at_key(source, inside, contents, mode)
    item = _item(source.items, inside)
    if item is None:
        return _no_item(source, source.items, inside)
    return _at_key(source, item.key, contents, mode if item.mode is None else item.mode)


def _at_key(source: Source, key: str, contents: Contents, mode: int) -> Found:
    if not source.name:
        return Found(FileState.NO_SOURCE, f"the volume names no {_KINDS[source.kind]}", source)
    keys = contents.keys(source.kind, source.name)
    if keys is not None and key in keys:
        return Found(FileState.PRESENT, "", source, key, keys[key], mode)
    subject = f"{_KINDS[source.kind]} {contents.namespace}/{source.name}"
    if keys is None:
        why = contents.unread(source.kind, source.name)
        state = FileState.NOT_IN_INPUT if why else FileState.NO_OBJECT
        return Found(state, f"{subject} {why or 'does not exist'}", source, key, mode=mode)
    return Found(FileState.NO_KEY, f'{subject} has no key "{key}", {_holding(keys)}', source, key, mode=mode)


def _holding(keys: Mapping[str, Material]) -> str:
    """`but "cert", "key"`: the keys there are, a few of them."""
    names = sorted(keys)
    if not names:
        return "and no other"
    remainder = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "but " + ", ".join(f'"{name}"' for name in names[:_SHOWN]) + remainder


def _item(items: tuple[KeyToPath, ...], inside: str) -> KeyToPath | None:
    for item in reversed(items):
        if item.path == inside or _plain(item.path) == inside:
            return item
    return None


def _no_item(source: Source, items: tuple[KeyToPath, ...], inside: str) -> Found:
    paths = [_plain(item.path) for item in items]
    if any(path.startswith(f"{inside}/") for path in paths):
        return Found(FileState.DIRECTORY, "is a directory that items make", source)
    files = ", ".join(f'"{path}"' for path in paths[:_SHOWN]) or "no file"
    return Found(FileState.NO_KEY, f"items make only {files}", source)


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _listed(source: Source, inside: str) -> Found:
    """A file that the kubelet writes (token, trust bundle, downward API): there or not, its content nobody's to see."""
    if source.items and _item(source.items, inside) is not None:
        return Found(FileState.UNKNOWN, f"{source.kind} writes it", source)
    return Found(FileState.NO_KEY, f"{source.kind} writes no such file", source)


_RANK = (
    FileState.PRESENT,
    FileState.UNKNOWN,
    FileState.NOT_IN_INPUT,
    FileState.NO_OBJECT,
    FileState.DIRECTORY,
    FileState.NO_KEY,
    FileState.NO_SOURCE,
)
"""Which answer of several parts counts for the whole."""


def _in_parts(source: Source, inside: str, contents: Contents) -> Found:
    """The union of a projected volume's sources; where two make one file the later wins."""
    candidates = [_in_source(part, inside, contents, source.default_mode) for part in reversed(source.parts)]
    if not candidates:
        return Found(FileState.NO_KEY, "the projected volume has no sources", source)
    return min(
        candidates,
        key=lambda candidate: (
            _RANK.index(candidate.state),
            candidate.source is None or candidate.source.kind not in _KINDS,
        ),
    )
