"""docs/coverage.md: each failure mode, certificate and thing seen names rules and examples that exist, or a reason."""

import re
from pathlib import Path

import pytest

from webhook.examples import load
from webhook.rules import catalogue

TOP = Path(__file__).parent.parent
TABLE = (TOP / "docs" / "coverage.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([CS]?\d+) \| (.+?) \| (.+?) \| (.+?) \|$", TABLE, re.MULTILINE)
UNSEEN, ACCEPTED = "cannot be seen", "accepted"
LISTS = {"": 65, "C": 18, "S": 18}
"""How many rows each list has: failure modes, certificates, traffic."""


def test_every_list_has_its_rows() -> None:
    wanted = [f"{letter}{number}" for letter, last in LISTS.items() for number in range(1, last + 1)]
    assert [row[0] for row in ROWS] == wanted


@pytest.mark.parametrize(("rules", "shown"), [row[2:] for row in ROWS], ids=[f"row {row[0]}" for row in ROWS])
def test_a_row_names_rules_and_examples_of_theirs_or_a_reason(rules: str, shown: str) -> None:
    """A row that is accepted names good examples, or a test; every other one bad examples."""
    ids = re.findall(r"\[([a-z-]+)\]\(rules/\1\.md\)", rules)
    if rules == UNSEEN:
        assert len(shown) > 80
    elif rules == ACCEPTED:
        file, name = shown.strip("`").split("::")
        assert f"def {name}(" in (TOP / file).read_text(encoding="utf-8")
    else:
        assert set(ids) <= set(catalogue())
        good = rules.startswith(ACCEPTED)
        kept = {one: {example.title for example in load(one) if bool(example.findings) != good} for one in ids}
        titles = set(shown.split("; "))
        assert titles <= set().union(*kept.values())
        assert all(kept[one] & titles for one in ids), "each rule of the row is shown by one of its own examples"


def test_no_row_names_a_rule_that_is_gone() -> None:
    """A new rule needs no row: its two files are enough."""
    assert set(re.findall(r"\]\(rules/([a-z-]+)\.md\)", TABLE)) <= set(catalogue())
