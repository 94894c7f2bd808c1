"""The events of YAML text by PyYAML's C parser, whose errors become Broken; what they mean is left to others."""

from collections.abc import Iterator

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from webhook.decoding.errors import InvalidDocument

__all__ = [
    "AliasEvent",
    "DocumentEndEvent",
    "Event",
    "MappingEndEvent",
    "MappingStartEvent",
    "ScalarEvent",
    "SequenceEndEvent",
    "SequenceStartEvent",
    "mark_of",
    "parse",
    "text_of",
]

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(raw: bytes) -> Iterator[Event]:
    """The events of one document or several, one by one as they are read.

    Raises:
        Broken: with the place, as soon as it is reached.
    """
    try:
        yield from iter(LOADER(raw).get_event, None)
    except yaml.MarkedYAMLError as fault:
        unclosed = "end of stream" in (fault.problem or "") and fault.context_mark
        mark = unclosed or fault.problem_mark or fault.context_mark
        words = f"not YAML: {', '.join(word for word in (fault.context, fault.problem) if word)}"
        line = min(mark.line, raw.count(b"\n")) if mark else 0  # at the end, the mark may be behind the last line
        raise InvalidDocument(words, line, mark.column + 1 if mark else 0) from fault
    except yaml.reader.ReaderError as fault:
        raise _unfit(raw, fault.position) from fault
    except yaml.YAMLError as fault:
        raise InvalidDocument(f"not YAML: {fault}") from fault


def mark_of(event: Event) -> tuple[int, int, int]:
    """Line, column and character where an event starts, each from 0."""
    mark = event.start_mark
    return (mark.line, mark.column, mark.index) if mark else (0, 0, 0)


def text_of(raw: bytes) -> str:
    """The text of a document in UTF-8.

    Raises:
        Broken: it is not UTF-8; says which byte.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start)
        raise InvalidDocument(f"not UTF-8: byte 0x{raw[fault.start]:02x}", line, _column(raw, fault.start)) from fault


def _unfit(raw: bytes, position: int) -> InvalidDocument:
    """Names the character that YAML forbids. position: of its first byte."""
    letter = raw[position : position + 4].decode("utf-8", "replace")[:1] or "\0"
    return InvalidDocument(
        f"not YAML: the character U+{ord(letter):04X} is not allowed",
        raw.count(b"\n", 0, position),
        _column(raw, position),
    )


def _column(raw: bytes, position: int) -> int:
    """The column of a byte, from 1."""
    return position - (raw.rfind(b"\n", 0, position) + 1) + 1
