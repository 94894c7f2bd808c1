"""Joins the parts: paths, files, documents, objects; one document is in memory at a time."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from webhook.manifests.document import STDIN, Document, DocumentLocation
from webhook.manifests.folders import find_files
from webhook.manifests.objects import objects
from webhook.manifests.parse import Part, parse_chunk
from webhook.manifests.split import as_utf8, split
from webhook.model.source_location import Unreadable

ReadResult = Document | Unreadable


def read(paths: Iterable[str], stdin: BinaryIO | None = None) -> Iterator[ReadResult]:
    """Every Kubernetes object in the paths in a fixed order, and everything that could not be read, where it stands.

    A path is a file, a folder or `-` (stdin, by default the process's own); a file that two paths mean is read once.
    What is no Kubernetes object, such as values.yaml, Chart.yaml or kustomization.yaml, is passed over; a path
    without any object is Unreadable.
    """
    seen: set[str] = set()
    for path in paths:
        empty = True
        for file in find_files(path):
            for document in [file] if isinstance(file, Unreadable) else _read_once(file, seen, stdin):
                empty = False
                if document is not None:
                    yield document
        if empty:
            yield Unreadable(path, 0, "holds no Kubernetes object")


def _read_once(file: str, seen: set[str], stdin: BinaryIO | None) -> Iterator[ReadResult | None]:
    """The objects of one file, or one None when it was read before."""
    key = file if file == STDIN else os.path.realpath(file)
    if key in seen:
        yield None
        return
    seen.add(key)
    yield from _read_file(file, stdin)


def _read_file(file: str, stdin: BinaryIO | None) -> Iterator[ReadResult]:
    """The objects of one file."""
    try:
        if file == STDIN:
            yield from _read_stream(file, stdin or sys.stdin.buffer, once=True)
            return
        with Path(file).open("rb") as stream:
            yield from _read_stream(file, stream, once=not Path(file).is_file())
    except OSError as fault:
        yield Unreadable(file, 0, f"cannot be read: {fault.strerror or fault}")
    except UnicodeError as fault:
        yield Unreadable(file, 0, f"cannot be read: {fault}")


def _read_stream(file: str, stream: BinaryIO, *, once: bool) -> Iterator[ReadResult]:
    """The objects of an open file. once: it cannot be opened again, so the bytes are kept."""
    for chunk in split(as_utf8(stream)):
        raw = chunk.raw
        place = DocumentLocation(file, chunk.line, chunk.offset, len(raw), kept=raw if once else None)
        yield from _read_chunk(place, raw)


def _read_chunk(place: DocumentLocation, raw: bytes) -> Iterator[ReadResult]:
    """The objects of one document and its problems, problems first."""
    parts, problems = parse_chunk(raw, json_only=place.file.lower().endswith(".json"))
    for problem in problems:
        yield Unreadable(place.file, place.line + problem.line, str(problem))
    for part in parts:
        location = place if len(parts) == 1 else _part_of(place, part)
        yield from objects(part.value, location)


def _part_of(place: DocumentLocation, part: Part) -> DocumentLocation:
    """Where one of several values of a chunk stands."""
    content = None if place.kept is None else place.kept[part.offset : part.offset + part.size]
    return DocumentLocation(place.file, place.line + part.line, place.offset + part.offset, part.size, kept=content)
