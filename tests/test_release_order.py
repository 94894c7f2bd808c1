"""Law: a setup that works is never denied on its way, whatever tool sends it, with or without a dry run of all."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.releases import SHAPES, TOOLS, Call, Object, Tool, namespace, setups, written_by_controllers
from tests.test_cases import ask, denials, said
from webhook.engine import judge_state
from webhook.examples import AT
from webhook.kinds.producer import KINDS
from webhook.model.finding import Verdict
from webhook.policy import Policy
from webhook.view import Snapshot

MISSING = {"secret-missing", "credential-secret-missing"}
"""What kubectl may be denied for: a workload that comes before its own Secret, or the object that makes it."""
WEAK = {"file-not-mounted"}
"""And one that comes before its own DestinationRule, where a weak sign points to another one."""


def cluster() -> Snapshot:
    """Two namespaces, and an API server that serves every kind of producers."""
    view = Snapshot(complete=True)
    view.made.serve(one.key for one in KINDS)
    for team in ("one", "two"):
        view.put(namespace(team))
    return view


def may_be_denied(tool: Tool, one: Object, verdict: Verdict) -> bool:
    """Whether the issue names this denial as an exception."""
    return tool.name == "kubectl" and one["kind"] == "Deployment" and denials(verdict) <= MISSING | WEAK


def sent(tool: Tool, view: Snapshot, objects: Sequence[Object]) -> list[Object]:
    """Sends the objects; those that were denied, which only the exceptions may be."""
    if tool.rehearses:
        for one in objects:
            verdict = ask(view, one, dry_run=True, tool=tool.manager)
            assert verdict.word != "deny", said(iter([verdict]))
    denied = []
    for one in objects:
        verdict = ask(view, one, tool=tool.manager)
        if verdict.word == "deny":
            assert may_be_denied(tool, one, verdict), said(iter([verdict]))
            denied.append(one)
        else:
            view.put(one)
    return denied


@given(setups(), st.sampled_from(TOOLS), st.randoms(use_true_random=False), st.booleans())
def test_no_tool_is_stopped_on_the_way_to_a_setup_that_works(
    calls: tuple[Call, ...], tool: Tool, random: st.DataObject, rehearsed: bool
) -> None:
    """Kubectl sends in any order, and needs a second time at most; Helm, Argo CD and Flux send in theirs."""
    objects = [tool.signed(one) for call in calls for one in call.objects()]
    random.shuffle(objects)  # type: ignore[attr-defined]
    view, ordered = cluster(), tool.ordered(objects)
    if rehearsed:
        for one in ordered:
            assert ask(view, one, dry_run=True, tool=tool.manager).word != "deny"
    denied = sent(tool, view, ordered)
    assert sent(tool, view, denied) == []
    for one in written_by_controllers(calls, objects):
        view.put(one)
    assert said(one for one in judge_state(view, Policy(), AT) if one.word == "deny") == {}


def rules(found: set[str]) -> str:
    """Ids of rules as the page lists them."""
    return ", ".join(f"`{one}`" for one in sorted(found))


def cell(shape: str, tool: Tool) -> str:
    """How the page says what the tool is told of a first install: the rules that warn, and those that deny once."""
    objects = [tool.signed(one) for call in SHAPES[shape] for one in call.objects()]
    objects.sort(key=lambda one: one["kind"] != "Deployment")
    view, warned, denied = cluster(), set[str](), set[str]()
    for one in tool.ordered(objects):
        if tool.rehearses:
            warned |= {found.rule for found in ask(view, one, dry_run=True, tool=tool.manager).findings}
        verdict = ask(view, one, tool=tool.manager)
        denied |= denials(verdict)
        if verdict.word != "deny":
            warned |= {found.rule for found in verdict.findings}
            view.put(one)
    said = f"admitted, warns: {rules(warned)}" if warned else "admitted"
    return f"denied once: {rules(denied)}" if denied else said


@pytest.mark.parametrize("shape", SHAPES)
def test_the_page_on_releases_says_what_each_tool_is_told(shape: str) -> None:
    """That no tool is stopped is tried with the real ones by tests/live/test_releases.py."""
    kubectl, helm, flux, argocd = (cell(shape, tool) for tool in TOOLS)
    assert helm == argocd
    page = (Path(__file__).parent.parent / "docs" / "releases.md").read_text(encoding="utf-8")
    assert f"| {shape} | {helm} | {flux} | {kubectl} |" in page
