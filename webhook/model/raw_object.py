"""Reads fields out of raw Kubernetes JSON; absent or odd fields read as absent, nothing here ever raises on shape."""

from collections.abc import Mapping, Sequence
from typing import Any

Manifest = Mapping[str, Any]
NOTHING: Mapping[str, Any] = {}


def mapping(value: object) -> Mapping[str, Any]:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else NOTHING


def sequence(value: object) -> Sequence[Any]:
    """The value when it is a JSON list, else an empty one."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str:
    """The value when it is a string, else ''."""
    return value if isinstance(value, str) else ""


def group_of(api_version: str) -> str:
    """The API group of an apiVersion: `apps/v1` -> `apps`, `v1` -> ''."""
    return api_version.rpartition("/")[0]


def namespace_of(manifest: Manifest) -> str:
    """The namespace that the object names, `default` where it names none, as kubectl has it."""
    return text(mapping(manifest.get("metadata")).get("namespace")) or "default"


def number(value: object) -> int | None:
    """The value when it is a whole number (a boolean is none), else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(value: object) -> bool | None:
    """The value when it is true or false, else None."""
    return value if isinstance(value, bool) else None


def texts(value: object) -> Mapping[str, str]:
    """Labels or annotations: the entries whose key and value are strings."""
    entries = mapping(value)
    if all(type(item) is str for item in entries.values()):
        return entries
    return {key: item for key, item in entries.items() if isinstance(item, str)}


def words(value: object) -> tuple[str, ...]:
    """A list of strings without its odd members."""
    return tuple(item for item in sequence(value) if isinstance(item, str))


def dig(manifest: object, *keys: str) -> Any:
    """The value at the path of keys, or None where a step is absent or no object."""
    value = manifest
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
