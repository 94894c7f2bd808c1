"""Which fields a volume and a volume mount may have, of which type, and which of them Kubernetes requires.

Reading a value against a shape is left to `field_reader`. Source: k8s.io/api/core/v1 and its validation, 1.37.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.kinds.volume import SOURCE_KINDS


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object: its fields, those that must not be empty, and where misplaced ones belong.

    title: what the object is called in a sentence. hints: lower-case wrong key -> right one, or `outer.inner`.
    """

    title: str
    fields: Mapping[str, "Kind"]
    required: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Prepares the look-up without regard to case, as Go's encoding/json does it."""
        object.__setattr__(self, "folded", {name.casefold(): name for name in self.fields})


@dataclass(frozen=True, slots=True)
class ListOf:
    """A JSON list of objects of one shape."""

    shape: Shape


Kind = str | Shape | ListOf
"""`string`, `bool`, `int32`, `int64`, `mode` (0 to 511), `strings` (text to text), `quantity`, `any`; or a shape."""

_ITEM = Shape(
    "an entry of items",
    {"key": "string", "path": "string", "mode": "mode"},
    ("key", "path"),
    {"name": "key", "defaultmode": "mode", "file": "path", "filename": "path", "mountpath": "path"},
)
_FIELD = Shape("a fieldRef", {"apiVersion": "string", "fieldPath": "string"}, ("fieldPath",))
_RESOURCE = Shape("a resourceFieldRef", {"containerName": "string", "resource": "string", "divisor": "quantity"})
_DOWNWARD_ITEM = Shape(
    "an entry of items",
    {"path": "string", "fieldRef": _FIELD, "resourceFieldRef": _RESOURCE, "mode": "mode"},
    ("path",),
)
_ITEMS: Mapping[str, Kind] = {"items": ListOf(_ITEM), "optional": "bool"}
_SECRET = Shape(
    'the source "secret"',
    {"secretName": "string", "defaultMode": "mode", **_ITEMS},
    ("secretName",),
    {"name": "secretName", "secret": "secretName", "mode": "defaultMode", "key": "items", "keys": "items"},
)
_CONFIG_MAP = Shape(
    'the source "configMap"',
    {"name": "string", "defaultMode": "mode", **_ITEMS},
    ("name",),
    {"configmapname": "name", "secretname": "name", "configmap": "name", "mode": "defaultMode", "key": "items"},
)
_PART_NAMES = {"secretname": "name", "configmapname": "name"}
_PART_MODE = {"defaultmode": "projected.defaultMode"}
_PROJECTED_SECRET = Shape(
    'the projected "secret"', {"name": "string", **_ITEMS}, ("name",), {**_PART_NAMES, **_PART_MODE}
)
_PROJECTED_CONFIG_MAP = Shape(
    'the projected "configMap"', {"name": "string", **_ITEMS}, ("name",), {**_PART_NAMES, **_PART_MODE}
)
_TOKEN = Shape(
    'the projected "serviceAccountToken"',
    {"audience": "string", "expirationSeconds": "int64", "path": "string"},
    ("path",),
)
_TRUST_BUNDLE = Shape(
    'the projected "clusterTrustBundle"',
    {"name": "string", "signerName": "string", "labelSelector": "any", "optional": "bool", "path": "string"},
    ("path",),
)
_PART = Shape(
    'an entry of "sources"',
    {
        "secret": _PROJECTED_SECRET,
        "configMap": _PROJECTED_CONFIG_MAP,
        "downwardAPI": Shape('the projected "downwardAPI"', {"items": ListOf(_DOWNWARD_ITEM)}),
        "serviceAccountToken": _TOKEN,
        "clusterTrustBundle": _TRUST_BUNDLE,
        "podCertificate": "any",
    },
    hints={"secretname": "secret.name", "name": "secret.name", "optional": "secret.optional"},
)
_PROJECTED = Shape(
    'the source "projected"',
    {"sources": ListOf(_PART), "defaultMode": "mode"},
    hints={"secret": "sources", "configmap": "sources", "items": "sources"},
)
_SOURCES: Mapping[str, Kind] = {
    "secret": _SECRET,
    "configMap": _CONFIG_MAP,
    "projected": _PROJECTED,
    "downwardAPI": Shape('the source "downwardAPI"', {"items": ListOf(_DOWNWARD_ITEM), "defaultMode": "mode"}),
    "emptyDir": Shape('the source "emptyDir"', {"medium": "string", "sizeLimit": "quantity"}),
    "hostPath": Shape('the source "hostPath"', {"path": "string", "type": "string"}, ("path",)),
    "persistentVolumeClaim": Shape(
        'the source "persistentVolumeClaim"',
        {"claimName": "string", "readOnly": "bool"},
        ("claimName",),
        {"name": "claimName"},
    ),
    "csi": Shape(
        'the source "csi"',
        {
            "driver": "string",
            "readOnly": "bool",
            "fsType": "string",
            "volumeAttributes": "strings",
            "nodePublishSecretRef": "any",
        },
        ("driver",),
        {"name": "driver", "attributes": "volumeAttributes"},
    ),
}

VOLUME = Shape(
    "a volume",
    {"name": "string", **dict.fromkeys(SOURCE_KINDS, "object"), **_SOURCES},
    hints={
        "secrets": "secret",
        "secretref": "secret",
        "configmaps": "configMap",
        "configmapref": "configMap",
        "comfigmap": "configMap",
        "pvc": "persistentVolumeClaim",
        "secretname": "secret.secretName",
        "configmapname": "configMap.name",
        "claimname": "persistentVolumeClaim.claimName",
        "driver": "csi.driver",
        "volumeattributes": "csi.volumeAttributes",
        "sources": "projected.sources",
        "items": "secret.items",
        "optional": "secret.optional",
        "defaultmode": "secret.defaultMode",
        "mode": "secret.defaultMode",
        "mountpath": "userVolumeMount",
        "subpath": "userVolumeMount",
        "readonly": "userVolumeMount",
    },
)
"""An entry of userVolume."""

MOUNT = Shape(
    "a volume mount",
    {
        "name": "string",
        "mountPath": "string",
        "subPath": "string",
        "subPathExpr": "string",
        "readOnly": "bool",
        "recursiveReadOnly": "string",
        "mountPropagation": "string",
    },
    ("mountPath",),
    {
        "path": "mountPath",
        "mount": "mountPath",
        "mountpoint": "mountPath",
        "volume": "name",
        "volumename": "name",
        "key": "subPath",
        "file": "subPath",
        "secret": "userVolume",
        "configmap": "userVolume",
        "projected": "userVolume",
        "secretname": "userVolume",
        "items": "userVolume",
        "defaultmode": "userVolume",
        "optional": "userVolume",
    },
)
"""An entry of userVolumeMount."""
