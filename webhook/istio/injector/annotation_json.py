"""Reads JSON as Istio's injector does (Go's encoding/json), and says what is wrong with it in a person's words.

What the value has to look like is left to `annotations`.
"""

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from webhook.decoding.json_fault import json_fault
from webhook.decoding.json_text import MAX_DEPTH, MAX_FLOAT_DIGITS, too_deep

_AROUND = 20
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"


class NotJson(ValueError):
    """The text is not JSON. Its message says where and why, and quotes a short excerpt; never longer than a line."""


def load(text: str) -> Any:
    """The value of the text: duplicate keys, last wins; halves of surrogate pairs become U+FFFD, as in Go.

    Raises:
        NotJson: Go would not parse it; the injector then refuses the Pod, so the text has to be changed.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(_explain(text, error)) from error
    except _NotInGo as error:
        raise NotJson(str(error)) from error
    except RecursionError as error:
        raise NotJson(_TOO_DEEP) from error
    if too_deep(value):
        raise NotJson(_TOO_DEEP)
    return _mend(value) if "\\u" in text else value


class _NotInGo(ValueError):
    """A number or constant that Python reads and Go does not."""


def _refuse(constant: str) -> Any:
    raise _NotInGo(f"{constant} is no JSON value")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise _NotInGo(f"the number {digits[:_AROUND]}... is too large")
    return value


def _whole(digits: str) -> int:
    if len(digits) > MAX_FLOAT_DIGITS:
        _finite(digits)
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_whole)


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mend(one) for one in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(one) for key, one in value.items()}
    return value


def _explain(text: str, error: json.JSONDecodeError) -> str:
    """`line 1 column 9: trailing comma, near ...`."""
    if not text.strip():
        return "the value is empty"
    fault = json_fault(error)
    reason = _reason(text, fault.position) or fault.problem.rstrip(" at").lower()
    return f"line {fault.line} column {fault.column}: {reason}, near {_excerpt(text, fault.position)}"


def _excerpt(text: str, position: int) -> str:
    start, end = max(position - _AROUND, 0), position + _AROUND
    excerpt = " ".join(text[start:end].split())
    return f"{'...' if start else ''}{excerpt}{'...' if end < len(text) else ''}"


def _reason(text: str, position: int) -> str:
    """The likely cause, '' when none is recognised."""
    character = text[position : position + 1]
    before = text[:position].rstrip()
    if "{{" in text:
        return "a template that was never rendered"
    if character and character in _SINGLE_QUOTES:
        return "single quotes, where JSON needs double quotes"
    if character and character in _CURLY_QUOTES:
        return "typographic quotes, where JSON needs plain double quotes"
    if character == "\\":
        return "escaped quotes, which need no backslash here"
    if _trailing_comma(text, position):
        return "trailing comma"
    return _notation(text, position, before) or _unfinished(text, position)


def _trailing_comma(text: str, position: int) -> bool:
    """Before a bracket, or of nothing but itself."""
    after = text[position:].lstrip()
    if after[:1] in ("]", "}"):
        return text[:position].rstrip().endswith(",")
    return after[:1] == "," and after[1:].lstrip()[:1] in ("]", "}")


def _notation(text: str, position: int, before: str) -> str:
    rest = text[position:]
    if rest[:1] == "#" or rest[:2] in ("//", "/*"):
        return "a comment, which JSON does not have"
    if rest[:1].isdigit() and before.endswith("0"):
        return "an octal number, which JSON does not have: write it in decimal (0400 is 256, 0644 is 420)"
    if rest[:1] in ("\n", "\r", "\t"):
        return "a line break or tab inside a string"
    if rest.startswith(_PYTHON_WORDS):
        return "a Python value, where JSON needs true, false or null"
    if text.lstrip()[:1] not in _OPENING or (rest[:1].isalpha() and before[-1:] in ("{", ",")):
        return "YAML or bare words, where JSON needs brackets and double quotes"
    return ""


def _unfinished(text: str, position: int) -> str:
    if not text[position:].strip():
        return "it ends too early"
    try:
        _DECODER.raw_decode(text.lstrip())
    except ValueError:
        return _unclosed(text, position)
    return "more text after the end of the value"


def _unclosed(text: str, position: int) -> str:
    """A string that never ends: Python points at its opening quote."""
    return (
        "a string that never ends" if text[position : position + 1] == '"' and '"' not in text[position + 1 :] else ""
    )


_SINGLE_QUOTES = "'\u2018\u2019"
_CURLY_QUOTES = "\u201c\u201d\u201e"
_PYTHON_WORDS = ("True", "False", "None")
_OPENING: Sequence[str] = ("[", "{", '"')
