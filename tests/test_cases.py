"""Setups of real teams, each with the answer that is right: in `check --complete`, and at admission in several orders.

A case is a file of tests/cases: `what`, `source` and `objects`, and the lines of the findings, by the object that is
judged. Only the denials that a case names may occur, whatever comes last, in Helm's order too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.worked import Object, objects
from webhook.engine import judge, judge_state
from webhook.examples import AT
from webhook.kinds.producer import KINDS
from webhook.model.finding import ObjectRef, Severity, Verdict
from webhook.model.printable import sentence
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.view import Snapshot

FOLDER = Path(__file__).parent / "cases"
Lines = Mapping[str, Sequence[str]]
"""Lines of findings by the object that is judged; an object that is not named has none."""


@dataclass(frozen=True)
class Case:
    """One setup. check: lines of `check --complete`. last: lines at admission, for these objects when they come last.

    denied: objects that may be denied at admission; each is, when it comes last. arrival: the objects stand in the
    order of their arrival, and only the last is reviewed. tool: field manager of every request.
    """

    name: str
    what: str
    source: str
    objects: str
    check: Lines = field(default_factory=dict)
    last: Lines = field(default_factory=dict)
    denied: Sequence[str] = ()
    arrival: bool = False
    tool: str = ""

    def parts(self) -> list[Object]:
        """The objects, with certificates in them."""
        return list(objects(self.objects))


def cases() -> Iterator[Case]:
    """All of them."""
    for file in sorted(FOLDER.glob("*.yaml")):
        yield Case(file.stem, **yaml.safe_load(file.read_text(encoding="utf-8")))


CASES = list(cases())
ABSENT = {"secret-missing", "config-map-missing", "credential-secret-missing"}
REVIEWED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "DestinationRule", "ServiceEntry",
            "VirtualService", "Sidecar")  # fmt: skip
HELM = ("Namespace", "Secret", "ConfigMap", "CustomResourceDefinition", "Service", "DaemonSet", "Pod", "Deployment",
        "StatefulSet", "Job", "CronJob")  # fmt: skip
"""The order in which Helm creates kinds; those that it does not know follow, sorted by their names."""


def ref_of(one: Object) -> ObjectRef:
    """How the object is named."""
    meta = one["metadata"]
    return ObjectRef(one["apiVersion"], one["kind"], meta.get("namespace", ""), meta["name"])


def by_helm(one: Object) -> tuple[int, str, str]:
    """Where Helm sends the object among others."""
    known = one["kind"] in HELM
    return (HELM.index(one["kind"]) if known else len(HELM), "" if known else one["kind"], one["metadata"]["name"])


def viewing(existing: Sequence[Object]) -> Snapshot:
    """A cluster in which these objects exist."""
    view = Snapshot(complete=True)
    for one in existing:
        view.put(one)
    return view


def ask(view: Snapshot, one: Object, *, dry_run: bool = False, tool: str = "") -> Verdict:
    """The verdict on the creation of the object."""
    request = Request("uid", "CREATE", ref_of(one), new=one, dry_run=dry_run, field_manager=tool)
    return judge(request, view, Policy(), AT)


def said(verdicts: Iterator[Verdict]) -> dict[str, list[str]]:
    """The lines of all findings, by the object that was judged."""
    lines = {
        str(one.subject): [f"{finding.severity} {sentence(finding, one.subject)}" for finding in one.findings]
        for one in verdicts
    }
    return {subject: found for subject, found in lines.items() if found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_check_complete_gives_the_lines_of_the_case(case: Case) -> None:
    assert said(judge_state(viewing(case.parts()), Policy(), AT)) == case.check


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_last_object_is_answered_as_the_case_says(case: Case) -> None:
    """A denial where the case names the object, and nowhere else; the lines of those whose lines the case gives."""
    parts = case.parts()
    subjects = [one for one in parts if one["kind"] in REVIEWED]
    for one in subjects[-1:] if case.arrival else subjects:
        verdict = ask(viewing([other for other in parts if other is not one]), one, tool=case.tool)
        name = str(verdict.subject)
        assert (verdict.word == "deny") == (name in case.denied), said(iter([verdict]))
        if name in case.last:
            assert said(iter([verdict])) == {name: case.last[name]}


def denials(verdict: Verdict) -> set[str]:
    """The rules that deny."""
    return {found.rule for found in verdict.findings if found.severity is Severity.DENY}


@pytest.mark.parametrize("tool", ["", "helm", "kustomize-controller", "argocd-controller"])
@pytest.mark.parametrize("case", [case for case in CASES if not case.arrival], ids=lambda case: case.name)
def test_in_the_order_of_helm_nothing_else_is_denied(case: Case, tool: str) -> None:
    """Where a release tool sends the objects, kinds that make Secrets are served; kubectl may have to apply twice."""
    view = Snapshot(complete=True)
    view.made.serve(one.key for one in KINDS)
    for one in sorted(case.parts(), key=by_helm):
        verdict = ask(view, one, tool=tool or case.tool)
        exempt = ABSENT if not tool else set()
        assert not denials(verdict) - exempt or str(verdict.subject) in case.denied, said(iter([verdict]))
        view.put(one)


@pytest.mark.parametrize("case", [case for case in CASES if not case.arrival], ids=lambda case: case.name)
def test_what_is_missing_is_never_denied_on_a_dry_run(case: Case) -> None:
    """As Flux asks: each object by itself, before any of them is there."""
    for one in case.parts():
        assert not ABSENT & denials(ask(Snapshot(complete=True), one, dry_run=True))
