"""JSON text -> values, in bounded depth; numbers that no float can hold and halves of surrogate pairs are refused.

Istio's annotations are read by `istio.injector.annotation_json`, which explains what is wrong in them.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from webhook.decoding.errors import InvalidDocument, LimitExceeded

MAX_DEPTH = 200
"""Levels of nesting of an object; see `limits.FILE`. orjson itself reads 1,024."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')
_PARSER_LIMIT = "depth limit exceeded"
MAX_FLOAT_DIGITS = 308
"""Whole numbers of so many digits fit a float in any case; Python reads no more than 4,300 digits at all."""


def load_json(text: str | bytes, depth: int = MAX_DEPTH) -> Any:
    """The value; of a key that stands twice, the last counts.

    Raises:
        Broken: it is no JSON; LimitExceeded: it is nested deeper than `depth` levels.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        if fault.msg.startswith(_PARSER_LIMIT):
            raise LimitExceeded(f"nested deeper than {depth} levels") from fault
        raise InvalidDocument(f"not JSON: {fault.msg}", fault.lineno - 1, fault.colno) from fault
    if too_deep(value, depth):
        raise LimitExceeded(f"nested deeper than {depth} levels")
    return value


def load_json_cut(text: bytes, depth: int = MAX_DEPTH) -> Any:
    """The value of an answer of the API server; what is nested deeper in one of its objects reads as null.

    The API server stores objects of up to 10,000 levels (a CustomResourceDefinition that preserves unknown fields). One
    of them must not keep a list from being read.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        if not fault.msg.startswith(_PARSER_LIMIT):
            raise
    return orjson.loads(b"".join(_shallow(text, depth)))


def _shallow(text: bytes, depth: int) -> Iterator[bytes]:
    """The text with `null` in place of each list or object below so many others."""
    level, begin = 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in (b"[", b"{"):
            level += 1
            if level == depth + 1:
                yield text[begin : token.start()]
        elif token[0] in (b"]", b"}"):
            level -= 1
            if level == depth:
                yield b"null"
                begin = token.end()
    yield text[begin:]


def too_deep(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether lists and objects are nested deeper than that; goes level by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)
