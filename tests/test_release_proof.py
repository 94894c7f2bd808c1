"""How the proof of releases reads what a tool printed, and how its page shows it."""

from datetime import date

from prove.releases.answers import Answer, answer
from prove.releases.matrix import Tried
from prove.releases.moves import Move
from prove.releases.page import cell, move_rows, rows, versions
from prove.releases.tools import TOOLS, Outcome

DENIED = """\
Warning: DestinationRule a/b: is in force for no workload yet [destinationrule-unused]
Error from server (Forbidden): admission webhook "w.mtls-guard.io" denied the request: Deployment a/b has 1 fault
  Secret a/b: does not exist, the Pod will not start  [secret-missing]
and 1 warning:
  spec.template: the sidecar will lack files  [sidecar-unprepared]
explain: mtls-guard explain secret-missing
Error from server (Forbidden): DestinationRule a/c has 1 fault
  spec.host: no such host  [host-unknown]
"""
HELM = 'I1130 warnings.go:107] "Warning: Secret a/b: does not exist yet [secret-missing]"'
KUBECTL, HELM_TOOL, *_ = TOOLS


def given(good: bool, warned: str = "", denied: str = "") -> Answer:
    """An answer with these rules."""
    return Answer(good, frozenset(warned.split()), frozenset(denied.split()), "")


def test_what_denies_is_told_from_what_warns_in_the_same_text() -> None:
    found = answer(Outcome(False, DENIED))
    assert found.denied == {"secret-missing", "host-unknown"}
    assert found.warned == {"destinationrule-unused", "sidecar-unprepared"}


def test_a_warning_that_helm_logs_is_one() -> None:
    assert answer(Outcome(True, HELM)) == Answer(True, frozenset({"secret-missing"}), frozenset(), HELM)


def test_a_cell_says_every_attempt_and_the_dry_run() -> None:
    refused, admitted = given(good=False, denied="secret-missing"), given(good=True, warned="host-unknown")
    assert cell(Tried("a", KUBECTL, "install", (refused, admitted), admitted)) == (
        "dry run: admitted, warns: `host-unknown`; then denied: `secret-missing`; the same input again: admitted"
    )


def test_tools_that_came_to_the_same_share_a_row() -> None:
    tried = [
        Tried("a", tool, step, (given(good=True),)) for tool in (KUBECTL, HELM_TOOL) for step in ("install", "upgrade")
    ]
    assert list(rows(tried)) == [("a", "kubectl; Helm", "admitted", "admitted")]


def test_stopped_tool_and_second_helm_attempt_are_faults() -> None:
    refused, admitted = given(good=False, denied="secret-missing"), given(good=True)
    assert list(Tried("a", HELM_TOOL, "install", (refused, refused)).faults()) == [
        "stopped: ",
        "needed a second attempt: ",
    ]
    assert list(Tried("a", KUBECTL, "install", (refused, admitted), admitted).faults()) == []


def test_a_move_that_is_half_applied_is_a_fault() -> None:
    refused = Answer(False, frozenset(), frozenset({"file-not-mounted"}), "... then drop the old mount")
    annotated = given(good=True, warned="file-not-mounted")
    move = Move(HELM_TOOL, 2, refused, ("Deployment shop",), (annotated,), annotated)
    assert list(move.faults()) == ["half applied: Deployment shop: ... then drop the old mount"]
    assert next(iter(move_rows([move])))[:4] == ("Helm", "2", "denied: `file-not-mounted`", "Deployment shop")


def test_the_page_names_the_versions_that_are_pinned() -> None:
    assert versions(date(2026, 11, 30)).startswith(
        "Tried on 2026-11-30 with kube-apiserver and kubectl v1.37.2, Helm v4."
    )
