"""What a Pod's volumes hold, and how the kubelet lays them out: a folder per version, and links that change at once."""

import base64
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rig.api import Api

Files = dict[str, tuple[bytes, int]]
"""Path -> content and mode."""
DEFAULT_MODE = 0o644
TOKEN_SECONDS = 3600


class NotThere(Exception):
    """A volume cannot be filled yet; the text says what is missing, as the kubelet's event does."""


@dataclass(frozen=True, slots=True)
class Filler:
    """Reads what the volumes of one Pod hold. tokens: those that it has, until four fifths of their time are over."""

    api: Api
    pod: Mapping[str, Any]
    token_mode: int = 0o600
    tokens: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def fill(self, volume: Mapping[str, Any], folder: Path) -> None:
        """Lays a volume out, or renews it.

        Raises:
            NotThere: what it shows does not exist.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if "emptyDir" in volume:
            return
        files: Files = {}
        for kind, source in _sources(volume):
            files |= self._read(kind, source)
        publish(files, folder)

    def object_of(self, kind: str, source: Mapping[str, Any]) -> Mapping[str, Any]:
        """Key -> bytes of a Secret or ConfigMap; nothing where it is optional and not there."""
        name = source.get("secretName") or source["name"]
        found = self.api.find(f"/api/v1/namespaces/{self.pod['metadata']['namespace']}/{kind}/{name}")
        if found is None:
            if source.get("optional"):
                return {}
            raise NotThere(f'{kind.removesuffix("s")} "{name}" not found')
        plain = {key: text.encode() for key, text in found.get("data", {}).items()} if kind == "configmaps" else {}
        coded = found.get("data" if kind == "secrets" else "binaryData") or {}
        return plain | {key: base64.b64decode(text) for key, text in coded.items()}

    def _read(self, kind: str, source: Mapping[str, Any]) -> Files:
        """The files of one source."""
        mode = source.get("defaultMode", DEFAULT_MODE)
        if kind == "serviceAccountToken":
            return {source["path"]: (self._token(source), self.token_mode)}
        if kind == "downwardAPI":
            return {
                item["path"]: (field_of(self.pod, item["fieldRef"]["fieldPath"]).encode(), mode)
                for item in source["items"]
            }
        held = self.object_of("secrets" if kind == "secret" else "configmaps", source)
        items = source.get("items") or [{"key": key, "path": key} for key in held]
        missing = [item["key"] for item in items if item["key"] not in held]
        if missing and not source.get("optional"):
            raise NotThere(f"references non-existent {kind} key: {missing[0]}")
        return {item["path"]: (held[item["key"]], item.get("mode", mode)) for item in items if item["key"] in held}

    def _token(self, source: Mapping[str, Any]) -> bytes:
        """The token bound to this Pod, a new one when it is time to."""
        token, until = self.tokens.get(source["path"], (b"", 0.0))
        if time.monotonic() >= until:
            seconds = source.get("expirationSeconds", TOKEN_SECONDS)
            token = self._new_token(source, seconds)
            self.tokens[source["path"]] = (token, time.monotonic() + 0.8 * seconds)
        return token

    def _new_token(self, source: Mapping[str, Any], seconds: int) -> bytes:
        """Asks for it."""
        metadata = self.pod["metadata"]
        account = self.pod["spec"].get("serviceAccountName", "default")
        bound = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        spec: dict[str, Any] = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if source.get("audience"):
            spec["audiences"] = [source["audience"]]
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{quote(account)}/token"
        return str(self.api.post(path, {"spec": spec})["status"]["token"]).encode()


def field_of(pod: Mapping[str, Any], path: str) -> str:
    """A field that the downward API can name, as text."""
    key = path[path.index("['") + 2 : -2] if "['" in path else ""
    found: Any = pod
    for name in path.partition("[")[0].split("."):
        found = found.get(name, {})
    found = found.get(key, "") if key else found
    if isinstance(found, dict):
        return "\n".join(f'{name}="{value}"' for name, value in sorted(found.items()))
    return str(found)


def publish(files: Files, folder: Path) -> None:
    """Shows exactly these files in a folder, all at the same instant; touches nothing where they are the same."""
    current = folder / "..data"
    if current.exists() and _held(current) == files:
        return
    before = current.resolve() if current.exists() else None
    number = int(before.name.removeprefix("..version-")) + 1 if before else 1
    version = folder / f"..version-{number}"
    for name, (content, mode) in files.items():
        path = version / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.write_bytes(content)
        path.chmod(mode)
    version.mkdir(exist_ok=True)
    link = folder / "..data-new"
    link.symlink_to(version.name)
    link.replace(current)
    _link(folder, {Path(name).parts[0] for name in files})
    if before:
        shutil.rmtree(before)


def _link(folder: Path, names: set[str]) -> None:
    """Makes each name lead into the current version, and removes those that are gone."""
    for entry in list(folder.iterdir()):
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data", name))


def _held(current: Path) -> Files:
    """The files that a version holds."""
    return {
        path.relative_to(current).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in current.rglob("*")
        if path.is_file()
    }


def _sources(volume: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What fills a volume: one source, or those of a projected volume with its mode."""
    for kind, source in volume.items():
        if kind in {"secret", "configMap", "downwardAPI"}:
            yield kind, source
        elif kind == "projected":
            for one in source.get("sources", []):
                for inner, what in one.items():
                    yield inner, {"defaultMode": source.get("defaultMode", DEFAULT_MODE), **what}
        elif kind != "name":
            raise NotThere(f"a volume of type {kind} cannot be laid out here")
