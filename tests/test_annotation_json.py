"""JSON is read as Go reads it, and what is wrong with it is said in words."""

from json import JSONDecodeError

import pytest

from webhook.decoding.json_fault import json_fault
from webhook.istio.injector.annotation_json import NotJson, load

YAML = "YAML or bare words, where JSON needs brackets and double quotes"
CURLY = "typographic quotes, where JSON needs plain double quotes"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  ", "the value is empty"),
        ("[{'a':1}]", "line 1 column 3: single quotes, where JSON needs double quotes, near [{'a':1}]"),
        ("[\u201ca\u201d]", f"line 1 column 2: {CURLY}, near [\u201ca\u201d]"),
        ('[{\\"a\\":1}]', 'line 1 column 3: escaped quotes, which need no backslash here, near [{\\"a\\":1}]'),
        ("- name: a", f"line 1 column 1: {YAML}, near - name: a"),
        ("[{name: a}]", f"line 1 column 3: {YAML}, near [{{name: a}}]"),
        ("{{ .Values.x }}", "line 1 column 2: a template that was never rendered, near {{ .Values.x }}"),
        ('[{"a":True}]', 'line 1 column 7: a Python value, where JSON needs true, false or null, near [{"a":True}]'),
        ("[1] // x", "line 1 column 5: a comment, which JSON does not have, near [1] // x"),
        ("[1]]", "line 1 column 4: more text after the end of the value, near [1]]"),
        ('["a"', 'line 1 column 5: it ends too early, near ["a"'),
        ('["a]', 'line 1 column 2: a string that never ends, near ["a]'),
        ('["a\nb"]', 'line 1 column 4: a line break or tab inside a string, near ["a b"]'),
        ("[NaN]", "NaN is no JSON value"),
        ("[1e999]", "the number 1e999... is too large"),
    ],
)  # fmt: skip
def test_text_that_is_no_json_gets_place_reason_and_excerpt(text: str, problem: str) -> None:
    with pytest.raises(NotJson) as caught:
        load(text)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[{"a":1,}]', "line 1 column 9"),
        ('[{"a":1},]', "line 1 column 10"),
        ('[{"a":1 , }]', "line 1 column 11"),
        ("[1,\n]", "line 2 column 1"),
        ("[1,\n]\n,", "line 2 column 1"),
    ],
)
def test_trailing_comma_is_reported_alike_by_every_python(text: str, place: str) -> None:
    """Python up to 3.12 points at the bracket, later ones at the comma."""
    with pytest.raises(NotJson, match=f"^{place}: trailing comma, near "):
        load(text)
    bracket = text.index("]" if "\n" in text or text.endswith("},]") else "}")
    comma = text.rindex(",", 0, bracket)
    kind = {"]": "array", "}": "object"}[text[bracket]]
    before = json_fault(JSONDecodeError("Expecting value", text, bracket))
    assert before == json_fault(JSONDecodeError(f"Illegal trailing comma before end of {kind}", text, comma))
    assert (before.problem, before.position) == (f"Illegal trailing comma before end of {kind}", bracket)


@pytest.mark.parametrize("text", ["[0400]", "[00]", '{"a":-01}'])
def test_an_octal_number_is_called_one(text: str) -> None:
    with pytest.raises(NotJson, match="octal number"):
        load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["\\ud800"]', ["\ufffd"]),
        ('["\\ud83d\\ude00"]', ["\U0001f600"]),
        ('{"a":1,"a":2}', {"a": 2}),
        ('{"a":{},"a":null}', {"a": None}),
        ('["\x7f"]', ["\x7f"]),
        (" \t\r\n[-0]", [0]),
    ],
)
def test_what_go_reads_is_read_alike(text: str, value: object) -> None:
    assert load(text) == value


@pytest.mark.parametrize(
    "text", ["\ufeff[]", "\u00a0[]", '["\\x"]', "[1.]", "[.5]", "[" * 201 + "]" * 201, "[2" + "0" * 308 + "]"]
)
def test_what_go_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        load(text)
