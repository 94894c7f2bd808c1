"""Reads volumes and volume mounts, of a pod spec or of Istio's annotations, into the words of model.

Judges nothing: fields of the wrong type read as absent, fields that Kubernetes does not know are not looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any

from webhook.kinds.list_limits import entries
from webhook.model.raw_object import flag, mapping, number, text
from webhook.model.workload import KeyToPath, Mount, Source, Volume

# fmt: off
SOURCE_KINDS: frozenset[str] = frozenset((
    "secret", "configMap", "projected", "emptyDir", "csi", "persistentVolumeClaim", "hostPath", "downwardAPI",
    "ephemeral", "nfs", "image", "gitRepo", "iscsi", "rbd", "cephfs", "cinder", "fc", "flexVolume", "flocker",
    "glusterfs", "azureDisk", "azureFile", "awsElasticBlockStore", "gcePersistentDisk", "vsphereVolume", "quobyte",
    "portworxVolume", "scaleIO", "storageos", "photonPersistentDisk",
))
# fmt: on
"""Every volume source of core/v1 (k8s.io/api/core/v1 VolumeSource, Kubernetes 1.37)."""

_CERTIFICATE_FILES = ("credentialBundlePath", "keyPath", "certificateChainPath")


def read_volume(entry: Mapping[str, Any], path: str) -> Volume:
    """The volume with every source that it names; normally one. path: where it is written."""
    sources = tuple(
        read_source(kind, value) for kind, value in entry.items() if isinstance(value, dict) and kind in SOURCE_KINDS
    )
    return Volume(text(entry.get("name")), sources, path)


def read_mount(entry: Mapping[str, Any], path: str) -> Mount:
    """The mount. path: where it is written."""
    return Mount(
        text(entry.get("name")),
        text(entry.get("mountPath")),
        text(entry.get("subPath")),
        text(entry.get("subPathExpr")),
        entry.get("readOnly") is True,
        path,
    )


def read_source(kind: str, value: Mapping[str, Any]) -> Source:
    """One source of a volume, as `{"secretName": "external", "items": [...]}` under the key `secret`."""
    return _READERS.get(kind, _named("name"))(kind, value)


def _read_secret(kind: str, value: Mapping[str, Any]) -> Source:
    return _keyed(kind, value, "secretName")


def _read_config_map(kind: str, value: Mapping[str, Any]) -> Source:
    return _keyed(kind, value, "name")


def _keyed(kind: str, value: Mapping[str, Any], name_field: str) -> Source:
    return Source(
        kind,
        text(value.get(name_field)),
        _items(value.get("items")),
        number(value.get("defaultMode")),
        flag(value.get("optional")),
    )


def _read_projected(kind: str, value: Mapping[str, Any]) -> Source:
    parts = tuple(part for entry in entries(value.get("sources")) for part in _parts(mapping(entry)))
    return Source(kind, default_mode=number(value.get("defaultMode")), parts=parts)


def _parts(entry: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(_read_part(kind, value) for kind, value in entry.items() if isinstance(value, dict))


def _read_part(kind: str, value: Mapping[str, Any]) -> Source:
    if kind in ("secret", "configMap"):
        return _keyed(kind, value, "name")
    if kind == "downwardAPI":
        return Source(kind, items=_items(value.get("items")) or ())
    fields = _CERTIFICATE_FILES if kind == "podCertificate" else ("path",)
    files = tuple(KeyToPath("", text(value.get(one))) for one in fields if text(value.get(one)))
    return Source(kind, text(value.get("name")), files, optional=flag(value.get("optional")))


def _read_downward(kind: str, value: Mapping[str, Any]) -> Source:
    return Source(kind, items=_items(value.get("items")) or (), default_mode=number(value.get("defaultMode")))


def _named(field: str) -> Callable[[str, Mapping[str, Any]], Source]:
    return lambda kind, value: Source(kind, text(value.get(field)))


def _items(value: object) -> tuple[KeyToPath, ...] | None:
    """The entries of `items`; none and an empty list both mean every key, as Kubernetes takes them."""
    listed = entries(value)
    if not listed:
        return None
    return tuple(
        KeyToPath(text(one.get("key")), text(one.get("path")), number(one.get("mode")))
        for one in listed
        if isinstance(one, dict)
    )


_READERS: Mapping[str, Callable[[str, Mapping[str, Any]], Source]] = {
    "secret": _read_secret,
    "configMap": _read_config_map,
    "projected": _read_projected,
    "downwardAPI": _read_downward,
    "csi": _named("driver"),
    "persistentVolumeClaim": _named("claimName"),
}
