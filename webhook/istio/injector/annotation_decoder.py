"""Reads one entry of an annotation against its shape: folds the case of its keys, notes what is dropped or refused.

Names of entries and what entries are is left to `annotations`.
"""

from collections.abc import Mapping
from typing import Any

from webhook.istio.injector.volume_schema import VOLUME, Kind, ListOf, Shape
from webhook.kinds.list_limits import ENTRIES, cut_short
from webhook.model.chain import AnnotationFault

_INT_LIMITS = {"mode": 2**31, "int32": 2**31, "int64": 2**63}
_LARGEST_MODE = 511
_KEYED_SOURCES = ("secret", "configMap", "projected", "downwardAPI")
_MOST_FAULTS = 500
_MOST_SUGGESTIONS = 100
"""Faults of one annotation beyond which no likely spelling is looked for."""
_OTHER_ANNOTATION = ("userVolume", "userVolumeMount")


class FieldReader:
    """Reads entries of one annotation and gathers their faults in `faults`, in the order of the fields.

    paths: where a fault was noted.
    """

    def __init__(self, annotation: str) -> None:
        """A reader for the annotation of that name."""
        self.annotation = annotation
        self.faults: list[AnnotationFault] = []
        self.paths: set[str] = set()

    def fault(self, kind: str, path: str, detail: str, *, rejects: bool, about: tuple[str, str] = ("", "")) -> None:
        """Notes one fault. about: the key concerned, and what it was probably meant to be."""
        self.faults.append(AnnotationFault(kind, self.annotation, path, detail, rejects, *about))
        self.paths.add(path)

    def left_out(self, path: str, count: int, most: int) -> None:
        """Notes that a list or an object is longer than what is read of it."""
        self.fault("left-out", path, cut_short(path, count, most), rejects=False)

    @property
    def full(self) -> bool:
        """Whether so much is wrong already that nothing more is read."""
        return len(self.faults) > _MOST_FAULTS

    def read(self, entry: Mapping[str, Any], shape: Shape, path: str) -> dict[str, Any]:
        """The entry with its keys as Kubernetes spells them, without unknown, null and wrongly typed fields.

        Of keys that differ in case only, the last in byte order wins: Go sorts keys before it decodes them.
        """
        fields: dict[str, Any] = {}
        unknown: list[str] = []
        if len(entry) > ENTRIES:
            self.left_out(path, len(entry), ENTRIES)
        for key in entry if entry.keys() <= shape.fields.keys() else sorted(entry)[:ENTRIES]:
            name = key if key in shape.fields else shape.folded.get(key.casefold())
            if name is None:
                unknown.append(key)
            elif entry[key] is not None:
                fields[name] = self._read_value(name, entry[key], shape.fields[name], f"{path}.{key}")
        lacking = [name for name in shape.required if fields.get(name, "") == ""]
        for key in unknown:
            self._unknown(key, shape, path, found=fields, lacking=lacking)
        for name in lacking:
            self._lacks(name, shape, path)
        return {name: value for name, value in fields.items() if value is not None}

    def _read_value(self, name: str, value: Any, kind: Kind, path: str) -> Any:
        """The value as Kubernetes decodes it; None, with a fault, where it refuses the type."""
        if kind == "string" and isinstance(value, str):
            return value
        if isinstance(kind, Shape) and isinstance(value, dict):
            return self.read(value, kind, path)
        if isinstance(kind, ListOf) and isinstance(value, list):
            return self._read_list(value, kind.shape, path)
        converted = _scalar(kind, value) if isinstance(kind, str) else None
        if converted is None:
            self._wrong_type(name, kind, value, path)
        elif kind == "mode":
            self._check_mode(converted, path, name)
        return converted

    def _read_list(self, values: list[Any], shape: Shape, path: str) -> list[Any]:
        decoded = []
        if len(values) > ENTRIES:
            self.left_out(path, len(values), ENTRIES)
        for index, value in enumerate(values[:ENTRIES]):
            value_path = f"{path}[{index}]"
            if isinstance(value, dict):
                decoded.append(self.read(value, shape, value_path))
            else:
                self._wrong_type(shape.title, shape, value, value_path)
        return decoded

    def _wrong_type(self, name: str, kind: Kind, value: Any, path: str) -> None:
        expected_type = _WANTED.get(kind, "a list") if isinstance(kind, str) else _compound(kind)
        self.fault(
            "wrong-type", path, f"is {shown(value)}, and must be {expected_type}", rejects=True, about=(name, "")
        )

    def _check_mode(self, value: int, path: str, name: str) -> None:
        if not 0 <= value <= _LARGEST_MODE:
            detail = f"is {value}, and must be from 0 to 511 (decimal: 0644 is 420, 0444 is 292)"
            self.fault("mode-range", path, detail, rejects=True, about=(name, _decimal(value)))

    def _lacks(self, name: str, shape: Shape, path: str) -> None:
        self.fault("required-field", path, f'{shape.title} has no "{name}"', rejects=True, about=(name, ""))

    def _unknown(self, key: str, shape: Shape, path: str, *, found: Mapping[str, Any], lacking: list[str]) -> None:
        """One fault per misspelt key; where the right key is a required one, it explains that too."""
        suggestion = _place(suggest(key, shape), found) if len(self.faults) < _MOST_SUGGESTIONS else ""
        outer, _, inner = suggestion.partition(".")
        detail = f'"{key}" is no field of {shape.title} and is dropped'
        if inner:
            detail = f'"{key}" belongs inside "{outer}" and is dropped here'
        elif suggestion in _OTHER_ANNOTATION:
            detail = f'"{key}" belongs in sidecar.istio.io/{suggestion} and is dropped here'
        if shape is VOLUME and not found.keys() - {"name"}:
            detail += ", so that the volume is an empty directory"
        rejects = suggestion in lacking
        if rejects:
            lacking.remove(suggestion)
            detail += f', so that "{suggestion}" is missing'
        self.fault("unknown-field", f"{path}.{key}", detail, rejects=rejects, about=(key, suggestion))


def suggest(key: str, shape: Shape) -> str:
    """The field of the shape that the key was probably meant to be, or `outer.inner`; '' when nothing is near."""
    plain = key.casefold().replace("_", "").replace("-", "")
    field = shape.hints.get(plain) or shape.folded.get(plain)
    if field:
        return field
    from difflib import get_close_matches  # slow to import, and only faults need it

    near = get_close_matches(plain, [*shape.folded, *shape.hints], n=1, cutoff=0.75)
    return (shape.hints.get(near[0]) or shape.folded.get(near[0], "")) if near else ""


def _place(suggestion: str, fields: Mapping[str, Any]) -> str:
    """`secret.optional` becomes `configMap.optional` where that is the volume's source."""
    outer, dot, inner = suggestion.partition(".")
    if outer == "secret" and dot and inner in ("optional", "defaultMode", "items"):
        outer = next((kind for kind in _KEYED_SOURCES if kind in fields), outer)
    return outer + dot + inner


def _scalar(kind: str, value: Any) -> Any:
    """The value as Kubernetes decodes it, None when it refuses the type; whole floats are numbers, as in YAML."""
    if kind in _INT_LIMITS:
        return _whole(value, _INT_LIMITS[kind])
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind == "object":
        return value if isinstance(value, dict) else None
    if kind == "quantity":
        return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    if kind == "strings":
        return value if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()) else None
    return value if kind == "any" else None


def _whole(value: Any, limit: int) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit:
        return value
    return None


def _decimal(value: int) -> str:
    """What the digits mean when they were meant as octal: 644 -> "420"; '' when they are no such mode."""
    digits = str(value)
    meant = int(digits, 8) if digits.isdigit() and not set(digits) & {"8", "9"} else _LARGEST_MODE + 1
    return str(meant) if meant <= _LARGEST_MODE else ""


def _compound(kind: object) -> str:
    return "a list" if isinstance(kind, ListOf) else "an object"


def shown(value: Any) -> str:
    """The value in words for a sentence, cut where it is long: `the text "true"`, `an object`, `null`."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f'the text "{value[:40]}"' if isinstance(value, str) else f"the number {value}"


_WANTED = {
    "string": "a text in double quotes",
    "bool": "true or false without quotes",
    "mode": "a whole number without quotes, from 0 to 511 (decimal: 0400 is 256, 0644 is 420)",
    "int32": "a whole number without quotes",
    "int64": "a whole number without quotes",
    "object": "an object",
    "strings": "an object of texts",
    "quantity": "a text or a number",
}
