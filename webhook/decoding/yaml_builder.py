"""Builds the values of YAML events as kubectl sees them: JSON values only, in bounded depth and size.

Duplicate keys keep the last value, and are told. Neither deep nesting nor aliases of aliases cost more than the text.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from webhook.decoding.errors import InvalidDocument, LimitExceeded
from webhook.decoding.limits import FILE, TextLimits
from webhook.decoding.yaml_events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    mark_of,
)
from webhook.decoding.yaml_scalar import SUSPECT, as_key, resolve, resolve_tagged

_MERGE = "<<"
_TOP = 2
"""What is open while the keys of a document's own mapping are read: the document and the mapping."""


@dataclass(slots=True)
class _OpenCollection:
    """A list or mapping whose end is yet to come.

    key: waits for its value, None when a key comes next. merging: that key is `<<`. merged: keys that stood there
    at the last `<<`, which may stand again. size: values in it, repeats too.
    """

    value: Any
    anchor: str | None
    size: int = 1
    key: str | None = None
    merging: bool = False
    merged: set[str] | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that stands twice in one mapping. line: of the second, from 0. top: the mapping is the document itself."""

    key: str
    line: int
    top: bool


class Builder:
    """Turns events into values. duplicates: the keys that stand twice in one mapping."""

    def __init__(self, limits: TextLimits = FILE) -> None:
        self._limits = limits
        self.duplicates: list[Duplicate] = []
        self._open: list[_OpenCollection] = [_OpenCollection([], None)]
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._added = 0

    def build(self, events: Iterable[Event]) -> Iterator[Any]:
        """The value of each YAML document.

        Raises:
            Broken: the text is not YAML, or says what JSON cannot; LimitExceeded: it is deeper or repeats more than
                the limits allow.
        """
        root, steps, forget = self._open[0].value, self._STEPS, self._STEPS[DocumentEndEvent]
        for event in events:
            step = steps.get(type(event))
            if step is None:
                continue
            try:
                step(self, event)
            except InvalidDocument as fault:
                line, column, _ = mark_of(event)
                raise type(fault)(fault.problem, line, column + 1) from fault
            if step is forget:
                yield from root
                root.clear()

    def _scalar(self, event: ScalarEvent) -> None:
        value: Any = event.value
        plain = event.implicit[0]
        if plain:
            if value[:1] in SUSPECT:
                value = resolve(value)
            elif value == _MERGE and self._merges():
                return
        elif event.tag and not event.implicit[1]:
            value = resolve_tagged(event.tag, value)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, event, 1)

    def _merges(self) -> bool:
        """Takes `<<` as the key that merges, where a key comes next."""
        top = self._open[-1]
        if top.key is None and isinstance(top.value, dict):
            top.key, top.merging = _MERGE, True
            return True
        return False

    def _mapping(self, event: MappingStartEvent) -> None:
        self._start(event, {})

    def _sequence(self, event: SequenceStartEvent) -> None:
        self._start(event, [])

    def _start(self, event: Any, value: Any) -> None:
        if len(self._open) > self._limits.depth:
            raise LimitExceeded(f"nested deeper than {self._limits.depth} levels")
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_OpenCollection(value, event.anchor))

    def _end(self, event: Event) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size)
        self._add(done.value, event, done.size)

    def _alias(self, event: AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise InvalidDocument(f"the alias *{event.anchor} has no anchor that ends before it")
        value, size = self._anchors[event.anchor]
        self._added += size
        if self._added > self._limits.repeated:
            raise LimitExceeded(f"aliases repeat more than {self._limits.repeated} values")
        self._add(value, event, size)

    def _forget(self, _: Event) -> None:
        """Anchors end with their document."""
        self._anchors, self._added = {}, 0

    def _add(self, value: Any, event: Event, size: int) -> None:
        """Puts a finished value where it belongs."""
        top = self._open[-1]
        top.size += size
        into, key = top.value, top.key
        if type(into) is list:
            into.append(value)
        elif key is None:
            top.key = key = value if type(value) is str else as_key(value)
            if key in into and not (top.merged and key in top.merged):
                self.duplicates.append(Duplicate(key, mark_of(event)[0], len(self._open) == _TOP))
        elif top.merging:
            for entry in reversed(_mergeable(value)):
                into.update(entry)
            top.merged = set(into)
            top.key, top.merging = None, False
        else:
            into[key] = value
            top.key = None

    _STEPS: ClassVar[dict[type[Event], Callable[["Builder", Any], None]]] = {
        ScalarEvent: _scalar,
        MappingStartEvent: _mapping,
        SequenceStartEvent: _sequence,
        MappingEndEvent: _end,
        SequenceEndEvent: _end,
        AliasEvent: _alias,
        DocumentEndEvent: _forget,
    }


def _mergeable(value: Any) -> list[Any]:
    """The mappings that `<<` merges, over what stands before it and under what follows."""
    mappings = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, dict) for entry in mappings):
        raise InvalidDocument("<< takes a mapping or a list of mappings")
    return mappings
