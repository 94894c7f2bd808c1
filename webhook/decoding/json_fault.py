"""What a text that is no JSON does wrong, and where: the same whatever the version of Python.

Python 3.13 points at the comma before a bracket and calls it that; earlier versions miss a value at the bracket.
"""

from dataclasses import dataclass
from json import JSONDecodeError

_BLANKS = " \t\r\n"
_BRACKETS = {"]": "array", "}": "object"}


@dataclass(frozen=True, slots=True)
class JsonFault:
    """problem: in the words of Python's parser. position: from 0. line, column: from 1."""

    problem: str
    position: int
    line: int
    column: int


def json_fault(error: JSONDecodeError) -> JsonFault:
    """The fault; a trailing comma is told at the bracket after it."""
    text, position, problem = error.doc, min(error.pos, len(error.doc)), error.msg
    if "trailing comma" in problem:
        position = len(text) - len(text[position + 1 :].lstrip(_BLANKS))
    if text[position : position + 1] in _BRACKETS and text[:position].rstrip(_BLANKS).endswith(","):
        problem = f"Illegal trailing comma before end of {_BRACKETS[text[position]]}"
    line = text.count("\n", 0, position) + 1
    return JsonFault(problem, position, line, position - text.rfind("\n", 0, position))
