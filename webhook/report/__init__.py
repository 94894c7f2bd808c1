"""Writes what was judged in the formats that people and machines read, one module each; judges nothing.

Each format is a function `render(outcome) -> Iterator[str]` of lines without their ends, imported when asked for.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import cast

from webhook.report.check_result import CheckResult

FORMATS = ("text", "json", "sarif", "junit", "github")


def render(outcome: CheckResult, form: str) -> Iterator[str]:
    """The lines of the outcome in one of FORMATS."""
    return cast("Iterator[str]", import_module(f"webhook.report.{form}_format").render(outcome))
