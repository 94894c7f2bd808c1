"""A finished Pod, after all webhooks: the files of Secrets in its sidecar, and what it has lost of others."""

from collections.abc import Iterator, Mapping
from typing import Any

from prove.injection.cells import KEYS, Cell, Files
from prove.injection.objects import CLAIM
from prove.injection.other import ITS_PATH

PROXY = "istio-proxy"
Object = Mapping[str, Any]


def files(pod: Object) -> Files:
    """Every file of a Secret that its sidecar can read; of a Secret without items, those of the matrix's data keys."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    found: Files = {}
    for mount in _proxy(pod).get("volumeMounts", ()):
        within = dict(_within(volumes.get(mount["name"], {})))
        if mount.get("subPath"):
            within = {"": within[mount["subPath"]]} if mount["subPath"] in within else {}
        found |= {f"{mount['mountPath']}/{name}".rstrip("/"): source for name, source in within.items()}
    return found


def _proxy(pod: Object) -> Object:
    """Istio's container."""
    spec = pod["spec"]
    containers = (*spec.get("initContainers", ()), *spec["containers"])
    return next((one for one in containers if one["name"] == PROXY), {})


def _within(volume: Object) -> Iterator[tuple[str, tuple[str, str]]]:
    """The files of a volume that come from Secrets."""
    sources = [volume, *(volume.get("projected") or {}).get("sources", ())]
    for secret in (source["secret"] for source in sources if "secret" in source):
        name = secret.get("secretName") or secret.get("name", "")
        items = secret.get("items") or [{"key": key, "path": key} for key in KEYS]
        yield from ((item["path"], (name, item["key"])) for item in items)


def lost(cell: Cell, pod: Object) -> str:
    """What the Pod lacks that is not of injection: the claim of a StatefulSet, the volume of the other webhook."""
    sources = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    mounts = pod["spec"]["containers"][0].get("volumeMounts", ())
    if cell.kind == "StatefulSet" and "persistentVolumeClaim" not in sources.get(CLAIM, {}):
        return f'the volume claim "{CLAIM}"'
    if cell.variant == "adds a volume" and not _is_empty(sources, mounts):
        return "the volume of the other webhook"
    return ""


def _is_empty(sources: Mapping[str, Object], mounts: Any) -> bool:
    return any(mount["mountPath"] == ITS_PATH and "emptyDir" in sources.get(mount["name"], {}) for mount in mounts)
