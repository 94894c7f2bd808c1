"""Cuts a stream of bytes into documents at `---` and `...`, without understanding any of them.

By the YAML specification these marks at the start of a line end a document whatever stands before them, so a broken
document never hides its neighbours, and only one document is in memory at a time.
"""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

_MARK = re.compile(rb"(?:---|\.\.\.)(?=[ \t\r\n]|$)")
_MARKS = frozenset((b"---", b"..."))
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(slots=True)
class Chunk:
    """The bytes of one document. line: of its first that says something, from 1. offset: of its first byte."""

    line: int
    offset: int
    lines: list[bytes] = field(default_factory=list)

    @property
    def raw(self) -> bytes:
        """All bytes of the document."""
        return b"".join(self.lines)


def as_utf8(stream: BinaryIO) -> BinaryIO:
    """The stream itself, or one in UTF-8 with what a UTF-16 or UTF-32 stream with a byte order mark says.

    Raises:
        UnicodeError: the mark promises an encoding that the rest does not keep.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    start = buffered.peek(4)[:4]
    name = next((name for mark, name in _WIDE if start.startswith(mark)), "")
    return io.BytesIO(buffered.read().decode(name).encode()) if name else buffered


def split(stream: BinaryIO) -> Iterator[Chunk]:
    """The documents of a stream in UTF-8; what holds only blanks and comments is left out.

    Directives (`%YAML 1.1`) are left out too: none changes what a manifest means.
    """
    chunk, offset = Chunk(1, 0), 0
    for number, line in enumerate(stream, start=1):
        if line[:3] in _MARKS and _MARK.match(line):
            if chunk.lines:
                yield chunk
            chunk = Chunk(number, offset)
        offset += len(line)
        if chunk.lines or not _is_blank(line):
            chunk.lines.append(line)
        else:
            chunk.line, chunk.offset = number + 1, offset
    if chunk.lines:
        yield chunk


def _is_blank(line: bytes) -> bool:
    """Whether a line between documents is empty, a comment, a directive or a mark with nothing after it."""
    content = line[3:].strip() if _MARK.match(line) else line.strip()
    return not content or content.startswith(b"#") or line.startswith(b"%") or content == codecs.BOM_UTF8
