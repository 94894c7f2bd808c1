"""Every line that leaves the product is printable, and no longer than it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.model.finding import ObjectRef, Violation
from webhook.model.printable import cut, printable, sentence

ANY_TEXT = st.text(alphabet=st.characters())
POD = ObjectRef("v1", "Pod", "devel", "a")
SECRET = ObjectRef("v1", "Secret", "devel", "external")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("Grüße, 世界", "Grüße, 世界"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("bell\x07 escape\x1b[31m", "bell\\x07 escape\\x1b[31m"),
        ("cert\u202egnp", "cert\\u202egnp"),
        ("half \ud800", "half \\ud800"),
        ("no\xa0break", "no\\xa0break"),
    ],
)
def test_what_does_not_print_becomes_an_escape(text: str, line: str) -> None:
    """Letters of every script stay, everything invisible shows."""
    assert printable(text) == line


@given(ANY_TEXT)
def test_a_printable_line_is_printable_and_stays_the_same(text: str) -> None:
    """Holds for any text, lone surrogates included; doing it twice changes nothing."""
    line = printable(text)
    assert (line.isprintable(), printable(line)) == (True, line)


@given(ANY_TEXT, st.integers(0, 300))
def test_a_cut_line_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    """Escapes count too."""
    line = cut(text, limit)
    assert (line.isprintable(), len(line) <= limit) == (True, True)


def test_a_cut_shows_only_where_something_was_cut() -> None:
    """256 characters pass whole; one more is marked."""
    assert [cut("a" * 256), cut("a" * 257)] == ["a" * 256, "a" * 253 + "..."]


@pytest.mark.parametrize(
    ("violation", "line"),
    [
        (Violation(POD, "spec.x", '"y" is wrong', "write z"), 'spec.x: "y" is wrong; write z'),
        (
            Violation(SECRET, 'key "cert"', "expired", "replace it"),
            'Secret devel/external key "cert": expired; replace it',
        ),
        (Violation(SECRET, "", "does not exist", "create it"), "Secret devel/external: does not exist; create it"),
        (Violation(POD, "", "has no sidecar", ""), "has no sidecar"),
    ],
)
def test_a_sentence_names_the_object_only_when_it_is_another(violation: Violation, line: str) -> None:
    """The subject of the verdict stands in the heading, so its own findings begin with the path."""
    assert sentence(violation, POD) == line


def test_a_sentence_without_subject_names_every_object() -> None:
    """This is the form in which examples write findings."""
    assert sentence(Violation(POD, "spec.x", "p", "f")) == "Pod devel/a spec.x: p; f"
