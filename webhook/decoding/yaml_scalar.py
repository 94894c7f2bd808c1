"""What a plain YAML scalar means to kubectl: YAML 1.1 without dates and without base 60.

Source: sigs.k8s.io/yaml v1.6.0, which reads with go.yaml.in/yaml/v2 v2.4.2 (resolve.go: which words and numbers;
yaml.go: what a key becomes); then Go's encoding/json, which writes a whole float below 1e21 without a point.
"""

import base64
import binascii
import math
import re

from webhook.decoding.errors import InvalidDocument

Scalar = str | int | float | bool | None

_TRUE, _FALSE, _NULL = ("y", "yes", "true", "on"), ("n", "no", "false", "off"), ("null",)
WORDS: dict[str, Scalar] = {"": None, "~": None}
for _words, _value in ((_TRUE, True), (_FALSE, False), (_NULL, None)):
    for _word in _words:
        WORDS |= {_word: _value, _word.capitalize(): _value, _word.upper(): _value}

SUSPECT = frozenset("yYnNtTfFoO~+-.0123456789") | {""}
"""First characters of plain scalars that may be something else than text."""

_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_IN_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BASES = {"x": 16, "b": 2, "o": 8}
_WHOLE_BELOW = 1e21
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
"""Whole numbers that are kept as they are; others become floats."""
_WHOLE_CHARACTERS = 80
"""No whole number of 64 bits is written longer, in binary, with sign and prefix. Python refuses to read numbers of more
than 4,300 digits (`sys.int_info.default_max_str_digits`)."""


def resolve(text: str) -> Scalar:
    """The value of a plain scalar: text, number, boolean or null.

    Raises:
        Broken: it is infinite, not a number, or a whole number beyond a float, which JSON cannot say.
    """
    if text in WORDS:
        return WORDS[text]
    plain = text if text[:1] == "." else text.replace("_", "")
    digits = _INT.fullmatch(plain) is not None
    if digits and len(plain) <= _WHOLE_CHARACTERS and _SMALLEST <= (whole := _whole(plain)) <= _LARGEST:
        return whole
    if _FLOAT.fullmatch(plain):
        number = _float(plain)
        if number is None and digits:
            raise InvalidDocument(f"{text[:20]}... is a number of {len(text)} digits; quote it if it is meant as text")
        return text if number is None else number
    if _NOT_IN_JSON.fullmatch(text):
        raise InvalidDocument(f"{text} is a number that JSON cannot say; quote it if it is meant as text")
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag; `!!binary` is the text that it encodes, unknown ones change nothing.

    Raises:
        Broken: the text is not what the tag says.
    """
    name = tag.removeprefix("tag:yaml.org,2002:")
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "null": (type(None),),
    }
    if name == "binary":
        return _decoded(text)
    if name not in kinds:
        return text
    value = resolve(text)
    if type(value) not in kinds[name]:
        raise InvalidDocument(f'"{text}" is not what its tag !!{name} says')
    return value


def as_key(value: object) -> str:
    """The text that a mapping's key becomes in JSON.

    Raises:
        Broken: the key is null, a list or a mapping.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    kind = "null" if value is None else "a mapping" if isinstance(value, dict) else "a list"
    raise InvalidDocument(f"{kind} is no key of a mapping")


def _decoded(text: str) -> str:
    """What base64 says, as text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as fault:
        raise InvalidDocument("what its tag !!binary says is no base64") from fault


def _whole(plain: str) -> int:
    """A whole number as Go reads it: 0400 and 0o400 are octal."""
    sign, digits = (-1 if plain[0] == "-" else 1), plain.lstrip("+-")
    base = _BASES.get(digits[1:2].lower(), 8 if digits[:1] == "0" else 10)
    return sign * int(digits[2:] if base != 10 and digits[1:2].isalpha() else digits, base)


def _float(plain: str) -> int | float | None:
    """A number with a point or an exponent, None if too large; a whole one is an int, as after a turn through JSON."""
    value = float(plain)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _WHOLE_BELOW else value
