"""Law: a setup that works is never denied on its way, whatever tool sends it, with or without a dry run of all."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prove.releases.page import BEGIN, END, PAGE, ids
from prove.releases.shapes import KEYS, SHAPES, Call, Object, Worked, namespace, objects_of, written_by_controllers
from tests.releases import TOOLS, Tool, setups
from tests.test_cases import ask, denials, ref_of, said
from webhook.engine import judge, judge_state
from webhook.examples import AT
from webhook.kinds.producer import KINDS
from webhook.model.finding import Verdict
from webhook.model.request import Request
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
    for one in (namespace("one"), namespace("two"), *Worked().namespaces()):
        view.put(one)
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


def told(shape: str, tool: Tool) -> str:
    """How the page says what the tool is told of a first install: the rules that warn, and those that deny."""
    objects = tool.ordered([tool.signed(one) for one in objects_of(SHAPES[shape])])
    view, warned, denied = cluster(), set[str](), set[str]()
    for one in objects if tool.rehearses else ():
        warned |= {found.rule for found in ask(view, one, dry_run=True, tool=tool.manager).findings}
    for one in objects:
        verdict = ask(view, one, tool=tool.manager)
        denied |= denials(verdict)
        if verdict.word != "deny":
            warned |= {found.rule for found in verdict.findings}
            view.put(one)
    if denied:
        return f"denied: {ids(denied)}; the same input again: admitted"
    return f"admitted, warns: {ids(warned)}" if warned else "admitted"


def on_the_page(shape: str, tool: str) -> str:
    """What the page says of a first install."""
    tables = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = (line.strip("| ").split(" | ") for line in tables.splitlines())
    (install,) = (row[2] for row in rows if row[0] == shape and tool in row[1].split("; "))
    return install.partition("; then ")[2] or install


@pytest.mark.parametrize("shape", SHAPES)
def test_the_page_on_releases_says_what_each_tool_is_told(shape: str) -> None:
    """It is written from what the real tools printed; here their orders are played without a cluster."""
    for tool, name in zip(TOOLS, ("kubectl", "Helm", "Flux"), strict=False):
        assert on_the_page(shape, name) == told(shape, tool)


ISTIO_KINDS = ("DestinationRule", "ServiceEntry", "VirtualService")


@pytest.mark.parametrize("shape", SHAPES)
def test_argo_cd_result_depends_on_custom_resource_order(shape: str) -> None:
    """It sends those of a wave in any order: with other kinds first, some warnings come or stay away."""
    argo = TOOLS[-1]
    orders = [replace(argo, first=(*argo.first, *OTHER_KINDS, *kinds)) for kinds in permutations(ISTIO_KINDS)]
    possible = [set(QUOTED.findall(told(shape, one))) for one in (argo, *orders)]
    page = on_the_page(shape, "Argo CD")
    assert page.startswith("admitted")
    assert set.intersection(*possible) <= set(QUOTED.findall(page)) <= set.union(*possible)


OTHER_KINDS = ("Certificate", "ExternalSecret")
QUOTED = re.compile(r"`([a-z-]+)`")


# What the page says is still denied although it could resolve itself.


def sent_as(tool: Tool, one: Object, *, dry_run: bool = False, old: Object | None = None) -> Request:
    """The request of a tool."""
    operation = "UPDATE" if old else "CREATE"
    return Request("uid", operation, ref_of(one), new=one, old=old or {}, dry_run=dry_run, field_manager=tool.manager)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_workload_before_secret_is_denied_without_producers(tool: Tool) -> None:
    view = Snapshot(complete=True)
    view.put(namespace("one"))
    workload = tool.signed(Call("a", "one").workload())
    assert denials(judge(sent_as(tool, workload), view, Policy(), AT)) == {"secret-missing"}


def with_keys(call: Call, keys: Sequence[str]) -> list[Object]:
    """Secret and workload, which mounts these data keys under the names of the DestinationRule."""
    secret, workload = call.secret(), call.workload()
    items = [{"key": key, "path": path} for key, path in zip(keys, KEYS, strict=True)]
    volume = json.dumps([{"name": "c", "secret": {"secretName": call.name, "items": items}}])
    annotations = workload["spec"]["template"]["metadata"]["annotations"] | {"sidecar.istio.io/userVolume": volume}
    template = {**workload["spec"]["template"], "metadata": {"annotations": annotations}}
    values = dict(zip(keys, secret["stringData"].values(), strict=True))
    return [{**secret, "stringData": values}, {**workload, "spec": {**workload["spec"], "template": template}}]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_changed_data_keys_are_denied_on_dry_run(tool: Tool) -> None:
    """There the workload is judged against the Secret as it is; the Secret before the workload, for real, is fine."""
    call, view = Call("a", "one"), cluster()
    before, after = (with_keys(call, [f"{prefix}{key}" for key in KEYS]) for prefix in ("", "new-"))
    for one in (call.entry(), call.rule(), *before):
        view.put(tool.signed(one))
    (secret, workload), (old_secret, old_workload) = (map(tool.signed, each) for each in (after, before))
    rehearsed = judge(sent_as(tool, workload, dry_run=True, old=old_workload), view, Policy(), AT)
    assert denials(rehearsed) == {"item-data-key-missing"}
    assert judge(sent_as(tool, secret, old=old_secret), view, Policy(), AT).word == "warn"
    view.put(secret)
    assert judge(sent_as(tool, workload, old=old_workload), view, Policy(), AT).word == "allow"
