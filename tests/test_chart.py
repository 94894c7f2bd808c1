"""The chart by itself: its generated parts are fresh, its schema knows each value, and no more."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tools import chart, chart_schema
from webhook.informer.watched_kinds import BUILT_IN
from webhook.rules import catalogue

VALUES: Mapping[str, Any] = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA: Mapping[str, Any] = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
CI = sorted((chart.CHART / "ci").glob("*.yaml"))
FREE = {"global", "nodeAffinity", "podAffinity", "podAntiAffinity"}
"""What the schema leaves to Helm, and to the API server."""


def objects(schema: Mapping[str, Any], key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every part of the schema that describes an object, with the name of its key."""
    if "object" in schema.get("type", ""):
        yield key, schema
    for name, part in schema.get("properties", {}).items():
        yield from objects(part, name)
    for part in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            yield from objects(part, key)


def test_generated_parts_are_fresh() -> None:
    assert [path.name for path, text in chart.generated().items() if path.read_text(encoding="utf-8") != text] == []


def test_the_chart_may_read_what_each_rule_reads() -> None:
    text = chart.kinds_template()
    for rule in catalogue().values():
        for kind in rule.reads - {"Secret"}:
            assert chart.RESOURCES[kind].plural in text


def test_each_kind_that_is_followed_may_be_followed() -> None:
    for one in BUILT_IN:
        assert chart.RESOURCES[one.kind].group == one.group
        assert chart.RESOURCES[one.kind].verbs == ("list", "watch")
    assert {one.kind for one in BUILT_IN} <= chart.read_kinds()


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    open_ended = {key for key, part in objects(SCHEMA) if part.get("additionalProperties", True) is True}
    assert open_ended == FREE


def test_the_schema_and_the_values_know_the_same_keys() -> None:
    def keys(found: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
        """Where the two differ."""
        known = schema.get("properties", {})
        yield from (f"{prefix}{name}" for name in found.keys() ^ known.keys())
        for name in found.keys() & known.keys():
            if found[name] and isinstance(found[name], dict) and known[name].get("properties"):
                yield from keys(found[name], known[name], f"{prefix}{name}.")

    assert set(keys(VALUES, SCHEMA)) == {"global"}


@pytest.mark.parametrize("file", CI, ids=lambda file: file.stem)
def test_values_of_ci_are_allowed(file: Path) -> None:
    jsonschema.validate(VALUES, SCHEMA)
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), SCHEMA)


def test_the_chart_has_the_version_of_the_package() -> None:
    from webhook import __version__

    about = yaml.safe_load((chart.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == __version__
    assert f"mtls-guard:{__version__}" in about["annotations"]["artifacthub.io/images"]


def test_schema_takes_types_from_defaults_and_comments() -> None:
    text = "policy:\n  rules: {}  # @schema {additionalProperties: false}\ncount: 2  # @schema {minimum: 1}\nname: a\n"
    made = json.loads(chart_schema.schema(text, ["b-c"]))
    assert made["additionalProperties"] is False
    assert made["properties"] == {
        "policy": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "rules": {"type": "object", "additionalProperties": False, "propertyNames": {"enum": ["b-c"]}}
            },
        },
        "count": {"type": "integer", "minimum": 1},
        "name": {"type": "string"},
        "global": {"type": "object"},
    }


@pytest.mark.parametrize("annotation", ["{definition: none}", "{a: [}"])
def test_an_annotation_that_is_no_schema_is_named_with_its_line(annotation: str) -> None:
    with pytest.raises(ValueError, match=r"^values.yaml:1: .* is no schema"):
        chart_schema.schema(f"count: 2  # @schema {annotation}\n", [])
