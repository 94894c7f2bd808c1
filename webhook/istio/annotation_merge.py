"""Adds entries to the text of userVolume or userVolumeMount, in the form, list or map, that stands there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from webhook.istio.annotation_json import load

Entry = Mapping[str, Any]
"""A volume or a mount as the annotation's list holds it, with its `name`."""


def extended(text: str | None, entries: Sequence[Entry]) -> str:
    """The annotation with the entries behind what it holds. text: as it stands, None when it does not.

    Raises:
        NotJson: the text is none that the injector could read; leave it alone, the validator names the fault.
        TypeError: the text is neither a list nor a map.
    """
    held = load(text) if text is not None else None
    if held is None or held in ([], {}):
        return _written(list(entries))
    if isinstance(held, list):
        return _written([*held, *entries])
    if isinstance(held, dict):
        return _written(_into_map(held, entries))
    raise TypeError("the annotation holds neither a list nor a map")


def _into_map(held: dict[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    """The map with each entry under its name; where that is taken, under another, with the name inside."""
    merged = dict(held)
    for entry in entries:
        name = str(entry["name"])
        rest = {key: value for key, value in entry.items() if key != "name"}
        if name not in merged:
            merged[name] = rest
        else:
            key = next(one for one in (f"{name}-{number}" for number in range(2, len(merged) + 3)) if one not in merged)
            merged[key] = dict(entry)
    return merged


def _written(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
