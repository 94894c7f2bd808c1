"""Makes values.schema.json of the types and comments of values.yaml.

A map with keys has these keys and no others. Of other values the default gives the type, and a comment
`# @schema {minimum: 1}` behind the key the rest, as JSON schema (draft 7); `{definition: NAME}` takes a part from
chart-definitions.yaml.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]
DEFINITIONS = Path(__file__).parent / "chart-definitions.yaml"
_ANNOTATION = re.compile(r"#\s*@schema\s+(?P<schema>\{.*\})\s*$")
_TYPES = {"bool": "boolean", "int": "integer", "str": "string", "seq": "array", "map": "object"}
_TYPED_OTHERWISE = frozenset({"type", "enum", "anyOf"})
"""Keywords beside which the type of the default says nothing."""


def schema(values: str, rule_ids: Iterable[str]) -> str:
    """The text of values.schema.json. values: the text of values.yaml.

    Raises:
        TypeError: values.yaml holds no map.
        ValueError: an annotation cannot be read, or names a definition that does not exist.
    """
    root = yaml.compose(values, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError("values.yaml holds no map")
    made = _map(root, values.splitlines(), yaml.safe_load(DEFINITIONS.read_text(encoding="utf-8")))
    made["properties"]["global"] = {"type": "object"}
    made["properties"]["policy"]["properties"]["rules"]["propertyNames"] = {"enum": [*rule_ids]}
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart mtls-guard"}
    return json.dumps({**head, **made}, indent=2) + "\n"


def _map(node: yaml.MappingNode, lines: list[str], definitions: Mapping[str, Schema]) -> Schema:
    properties = {key.value: _value(key, value, lines, definitions) for key, value in node.value}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _value(key: yaml.Node, value: yaml.Node, lines: list[str], definitions: Mapping[str, Schema]) -> Schema:
    annotation = _annotation(lines, key.start_mark.line, definitions)
    if isinstance(value, yaml.MappingNode) and value.value and annotation is None:
        return _map(value, lines, definitions)
    keywords = annotation or {}
    kind = _TYPES.get(value.tag.rpartition(":")[2], "")
    return {**({"type": kind} if kind and _TYPED_OTHERWISE.isdisjoint(keywords) else {}), **keywords}


def _annotation(lines: list[str], line: int, definitions: Mapping[str, Schema]) -> Schema | None:
    match = _ANNOTATION.search(lines[line])
    if match is None:
        return None
    try:
        keywords: Schema = yaml.safe_load(match["schema"])
        named = keywords.pop("definition", None)
        return {**(definitions[named] if named else {}), **keywords}
    except (yaml.YAMLError, KeyError) as error:
        raise ValueError(f"values.yaml:{line + 1}: {match['schema']} is no schema: {error}") from error
