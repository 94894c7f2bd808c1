"""Finds the line of a field by reading its document once more, so that nothing but its place need be kept."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.yaml_events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    mark_of,
    parse,
    text_of,
)
from webhook.manifests.document import DocumentLocation
from webhook.manifests.split import as_utf8

_STEP = re.compile(r'\.?([^.\[\]" ]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_KEY = re.compile(r'key "(.*)"')
_STARTS = (MappingStartEvent, SequenceStartEvent)
_ENDS = (MappingEndEvent, SequenceEndEvent)

Steps = tuple[str | int, ...]


def line_of(place: DocumentLocation, path: str) -> int:
    """The line, from 1, where the field stands, or as much of its path as exists; the first line if nothing helps.

    path: as findings write it, `spec.template.metadata.annotations["x/y"][0].secret`, or `key "cert"` of a Secret.
    A file that has changed or gone since is no error.
    """
    try:
        line, raw = _text(place)
        return max(line + _descend(parse(raw), steps) for steps in _read_path(path))
    except (InvalidDocument, OSError, UnicodeError, StopIteration):
        return place.line


def _read_path(path: str) -> tuple[Steps, ...]:
    """The ways that a path may mean: a key of a Secret stands in one of two mappings."""
    if key := _KEY.fullmatch(path):
        return ("data", key[1]), ("stringData", key[1])
    matches = _STEP.finditer(path)
    return (tuple(int(index) if index else name or quoted for name, index, quoted in (m.groups("") for m in matches)),)


def _text(place: DocumentLocation) -> tuple[int, bytes]:
    """The first line and the bytes of an object; of an item of a List only the item."""
    if not place.steps:
        return place.line, _load(place)
    *outer, index = place.steps
    line, text, starts = _index(
        DocumentLocation(place.file, place.line, place.offset, place.size, tuple(outer), place.kept)
    )
    (below, column, start), end = starts[index], starts[index + 1][2]
    return line + below, (" " * column + text[start:end]).encode()


@lru_cache(maxsize=4)
def _load(place: DocumentLocation) -> bytes:
    """The bytes of a whole document, read again."""
    if place.kept is not None:
        return place.kept
    with Path(place.file).open("rb") as file:
        stream = as_utf8(file)
        stream.seek(place.offset)
        return stream.read(place.size)


@lru_cache(maxsize=2)
def _index(place: DocumentLocation) -> tuple[int, str, list[tuple[int, int, int]]]:
    """The text of a List, and line, column and character where each item starts; one more for the end of the last."""
    line, raw = _text(place)
    events = parse(raw)
    _descend(events, ("items",))
    starts = []
    for event in events:
        starts.append(mark_of(event))
        if isinstance(event, _ENDS):
            break
        _skip(event, events)
    return line, text_of(raw), starts


def _descend(events: Iterator[Event], steps: Steps) -> int:
    """The line, from 0, of the deepest field on the way; leaves the events right behind the start of its value."""
    event: Event | None = (start := _next_node(events))
    line = mark_of(start)[0]
    for step in steps:
        if isinstance(event, MappingStartEvent):
            child = event = _enter(events, str(step))
        elif isinstance(event, SequenceStartEvent) and isinstance(step, int):
            child = event = _count(events, step)
        else:
            break
        if child is None:
            break
        line = mark_of(child)[0]
        if isinstance(step, str):
            event = next(events)
    return line


def _next_node(events: Iterator[Event]) -> Event:
    """The first event that is a value."""
    return next(event for event in events if isinstance(event, (*_STARTS, ScalarEvent)))


def _enter(events: Iterator[Event], key: str) -> Event | None:
    """The key of a mapping, once everything before it is read; None when the mapping has no such key."""
    for event in events:
        if isinstance(event, MappingEndEvent):
            return None
        if isinstance(event, ScalarEvent) and event.value == key:
            return event
        _skip(event, events)
        _skip(next(events), events)
    return None


def _count(events: Iterator[Event], index: int) -> Event | None:
    """The start of an entry of a list, once those before it are read; None when the list is shorter."""
    for event in events:
        if isinstance(event, SequenceEndEvent):
            return None
        if index == 0:
            return event
        index -= 1
        _skip(event, events)
    return None


def _skip(event: Event, events: Iterator[Event]) -> None:
    """Reads to the end of the value that the event starts."""
    depth = int(isinstance(event, _STARTS))
    while depth:
        event = next(events)
        depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)
