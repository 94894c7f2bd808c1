"""Reads a rule's examples from the YAML beside it; for tests, for `explain` and for the rule's page.

Leaves to the caller what stands for a certificate: the text `@client.cert` in a Secret of an example is filled in
by the package `certs`, since keys are never committed.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from webhook.decoding.limits import CONFIG_MAP
from webhook.decoding.yaml_text import load_yaml
from webhook.model.rule import Example
from webhook.rules import source

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The instant at which an example without `at` is judged."""

FIELDS = {field.name for field in fields(Example)}


class BadExample(Exception):
    """An example file is not as CONTRIBUTING.md describes; the text names the file, the example and what to change."""


def load(rule_id: str) -> tuple[Example, ...]:
    """The examples of one rule, in the order of the file.

    Raises:
        BadExample: no file, no list, an unknown or missing field.
    """
    name = f"{source(rule_id)}.yaml"
    file = resources.files("webhook.rules").joinpath(*name.split("/"))
    if not file.is_file():
        raise BadExample(f"webhook/rules/{name} is missing; write at least one good and one bad example")
    entries = load_yaml(file.read_text(encoding="utf-8"), CONFIG_MAP)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadExample(f"webhook/rules/{name} holds no list of examples")
    return tuple(_example(name, entry) for entry in entries)


def _example(name: str, entry: Mapping[str, Any]) -> Example:
    unknown = sorted(set(entry) - FIELDS)
    if unknown or not entry.get("title") or not entry.get("object"):
        raise BadExample(f"webhook/rules/{name}: {entry.get('title')!r} has unknown fields {unknown} or lacks one")
    listed = {key: tuple(entry.get(key) or ()) for key in ("findings", "also", "without")}
    return Example(**{**entry, **listed})


def instant(example: Example) -> datetime:
    """The instant at which the example is judged."""
    return datetime.fromisoformat(example.at).astimezone(UTC) if example.at else AT
