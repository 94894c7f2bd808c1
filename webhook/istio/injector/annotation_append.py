"""Puts mtls-guard's entries into the text of userVolume or userVolumeMount, in the form, list or map, that it has.

Entries of others stay as they are, in their order.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webhook.istio.injector.annotation_json import load

Entry = Mapping[str, Any]
"""A volume or a mount as the annotation's list holds it, with its `name`."""
IsOwn = Callable[[str], bool]
"""Whether an entry of this name is mtls-guard's."""


def merged(text: str | None, entries: Sequence[Entry], is_own: IsOwn) -> str | None:
    """The annotation with these entries as the only ones of mtls-guard; None where nothing is left in it.

    text: as it is, None where the annotation is absent; the same text comes back where nothing changes.

    Raises:
        NotJson: the text is none that the injector could read; leave it alone, the validator names the fault.
        TypeError: the text is neither a list nor a map.
    """
    before = load(text) if text is not None else None
    if before is None or before in ([], {}):
        return _written(list(entries)) if entries else text
    if isinstance(before, list):
        after: object = _into_list(before, entries, is_own)
    elif isinstance(before, dict):
        after = _into_map(before, entries, is_own)
    else:
        raise TypeError("the annotation holds neither a list nor a map")
    if after == before:
        return text
    return _written(after) if after else None


def _into_list(before: list[Any], entries: Sequence[Entry], is_own: IsOwn) -> list[Any]:
    kept = [entry for entry in before if not is_own(_name(entry)) or entry in entries]
    return [*kept, *(entry for entry in entries if entry not in kept)]


def _into_map(before: dict[str, Any], entries: Sequence[Entry], is_own: IsOwn) -> dict[str, Any]:
    """The map with each entry under its name; where that is taken, under another, with the name inside."""
    named = {key: {"name": key, **value} if isinstance(value, dict) else value for key, value in before.items()}
    kept = {key: before[key] for key, entry in named.items() if not is_own(_name(entry)) or entry in entries}
    present = [named[key] for key in kept]
    for entry in entries:
        if entry not in present:
            _add(kept, entry)
    return kept


def _add(holder: dict[str, Any], entry: Entry) -> None:
    name = str(entry["name"])
    if name not in holder:
        holder[name] = {key: value for key, value in entry.items() if key != "name"}
        return
    key = next(
        candidate
        for candidate in (f"{name}-{number}" for number in range(2, len(holder) + 3))
        if candidate not in holder
    )
    holder[key] = dict(entry)


def _name(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else ""


def _written(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
