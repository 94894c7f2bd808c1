"""Turns the bytes of one document into values: JSON where it is JSON, else YAML."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from webhook.decoding.errors import InvalidDocument, LimitExceeded
from webhook.decoding.json_fault import json_fault
from webhook.decoding.json_text import MAX_DEPTH, MAX_FLOAT_DIGITS, load_json, too_deep
from webhook.decoding.yaml_builder import Builder
from webhook.decoding.yaml_events import parse, text_of

_TEMPLATE = re.compile(rb"\{\{-?\s*(?:[./*$\w\"(]|$)")
TEMPLATE_SAYS = (
    "looks like an unrendered Helm template; render it first: helm template RELEASE CHART | mtls-guard check -"
)
_TWO_SAYS = "another object begins here without a line --- before it; only the last one was judged"
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a chunk and where its bytes stand in it. line: from 0."""

    value: Any
    offset: int
    size: int
    line: int = 0


def parse_chunk(raw: bytes, *, json_only: bool = False) -> tuple[list[Part], list[InvalidDocument]]:
    """The values that stand in the bytes, mostly one, and what is wrong in them; some of both can be there.

    Problems carry the line from 0. json_only: the file says that it is JSON, so its errors are told as JSON errors.
    Duplicate keys are found in YAML only.
    """
    parts: list[Part] = []
    builder = Builder()
    try:
        text = text_of(raw)
        if json_only or text.lstrip().startswith("{"):
            parts = _parse_json(raw, text, json_only=json_only)
        if not parts:
            parts.extend(Part(value, 0, len(raw)) for value in builder.build(parse(raw)))
    except InvalidDocument as fault:
        return parts, [*_duplicates(builder), _as_template(raw, fault)]
    return parts, _duplicates(builder)


def _parse_json(raw: bytes, text: str, *, json_only: bool) -> list[Part]:
    """The JSON values of a text, one after the other; none when it is no JSON and may be YAML."""
    try:
        return [Part(load_json(text), 0, len(raw))]
    except LimitExceeded:
        raise
    except InvalidDocument:
        pass
    try:
        return list(_stream(text))
    except RecursionError as fault:
        raise LimitExceeded(f"nested deeper than {MAX_DEPTH} levels") from fault
    except json.JSONDecodeError as fault:
        if json_only:
            position = json_fault(fault)
            raise InvalidDocument(f"not JSON: {position.problem}", position.line - 1, position.column) from fault
        return []


def _stream(text: str) -> Iterator[Part]:
    """The values of a text that holds several, as `kubectl get -o json` of many objects, one by one, writes them."""
    decoder, end, offset = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole, parse_float=_finite), 0, 0
    while end < len(text):
        start = end + len(_leading(text, end))
        offset += len(text[end:start].encode())
        if start == len(text):
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except _NotInJson as fault:
            at = max(text.find(fault.word, start), 0)
            raise json.JSONDecodeError(str(fault), text, at) from fault
        if too_deep(value):
            raise LimitExceeded(f"nested deeper than {MAX_DEPTH} levels", text.count("\n", 0, start))
        size = len(text[start:end].encode())
        yield Part(value, offset, size, text.count("\n", 0, start))
        offset += size


def _leading(text: str, start: int) -> str:
    """The blanks that begin there."""
    blanks = _BLANK.match(text, start)
    return blanks.group() if blanks else ""


class _NotInJson(ValueError):
    """A number that Python reads and JSON cannot say. word: as it is written."""

    def __init__(self, problem: str, word: str) -> None:
        super().__init__(problem)
        self.word = word


def _whole(digits: str) -> int:
    if len(digits) > MAX_FLOAT_DIGITS:
        _finite(digits)
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise _NotInJson(f"the number {digits[:20]}... of {len(digits)} characters is too large", digits)
    return value


def _refuse(word: str) -> Any:
    """NaN and Infinity are no JSON."""
    raise _NotInJson(f"{word} is no JSON value", word)


def _duplicates(builder: Builder) -> list[InvalidDocument]:
    """Says of each key that stands twice which one counts; two objects that run together are told as that."""
    top = {duplicate.key: duplicate.line for duplicate in builder.duplicates if duplicate.top}
    if "apiVersion" in top and "kind" in top:
        return [InvalidDocument(_TWO_SAYS, min(top.values()))]
    return [
        InvalidDocument(f'key "{duplicate.key}" stands twice in one mapping; only the last counts', duplicate.line)
        for duplicate in builder.duplicates
    ]


def _as_template(raw: bytes, fault: InvalidDocument) -> InvalidDocument:
    """The same fault, told as what it most likely is when the text holds `{{ ... }}`."""
    match = _TEMPLATE.search(raw)
    return InvalidDocument(TEMPLATE_SAYS, raw.count(b"\n", 0, match.start())) if match else fault
