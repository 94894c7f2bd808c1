"""Laws of two tenants: what another namespace adds ends no workload that works, and admission denies no good state.

HYPOTHESIS_PROFILE=thorough draws 5,000 cases of each.
"""

from collections.abc import Sequence

from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.tenants import DIRECTORIES, KEYS, Object, Team, foreign, rule, teams, workload
from webhook.engine import judge, judge_state
from webhook.examples import AT
from webhook.kinds.workload import read_workload
from webhook.model.finding import ObjectRef, Severity, Verdict
from webhook.model.horizon import Horizon
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.trace.injected import picture_as_injected
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot


def viewing(objects: Sequence[Object]) -> Snapshot:
    """A cluster in which these objects exist; each is a second younger than the one before it."""
    view = Snapshot(complete=True)
    for age, one in enumerate(objects):
        meta = {**one["metadata"], "creationTimestamp": f"2026-01-01T00:{age // 60:02}:{age % 60:02}Z"}
        view.put({**one, "metadata": meta})
    return view


def ask(view: Snapshot, one: Object, *, old: Object | None = None, tool: str = "", dry_run: bool = False) -> Verdict:
    """The verdict on creation, or update, of the object."""
    meta = one["metadata"]
    ref = ObjectRef(one["apiVersion"], one["kind"], meta.get("namespace", ""), meta["name"])
    operation = "UPDATE" if old else "CREATE"
    return judge(
        Request("uid", operation, ref, new=one, old=old or {}, dry_run=dry_run, field_manager=tool), view, Policy(), AT
    )


def denials(verdict: Verdict) -> list[str]:
    """The findings that deny."""
    return [f"{one.rule} {one.object}: {one.problem}" for one in verdict.findings if one.severity is Severity.DENY]


def state_of(view: Snapshot, one: Object) -> list[str]:
    """What `check --complete` denies the workload for."""
    subject = ("Deployment", one["metadata"]["namespace"], one["metadata"]["name"])
    found = (each for each in judge_state(view, Policy(), AT))
    return [line for each in found if _key(each.subject) == subject for line in denials(each)]


def _key(ref: ObjectRef) -> tuple[str, str, str]:
    return ref.kind, ref.namespace, ref.name


def picture(view: Snapshot, one: Object) -> WorkloadPicture:
    """The workload as its Pods will be."""
    read = read_workload(one)
    assert read is not None
    return picture_as_injected(read, view, Horizon(AT))


def told(view: Snapshot, team: Team) -> list[object]:
    """What Istio tells the team's sidecars of its hosts: where plain calls end, and the tls block there."""
    seen = picture(view, team.workload)
    hosts = [one["spec"]["hosts"][0] for one in team.others if one["kind"] == "ServiceEntry"]
    calls = [call for host in hosts for call in seen.reach.http_calls(host)]
    labels = seen.pod.labels
    blocks = [seen.reach.origination(call.host, call.number, call.subset, labels) for call in calls]
    services = [seen.reach.service(host) for host in hosts]
    return [calls, [one.tls if one else None for one in blocks], [one.ref if one else None for one in services]]


@given(teams(), foreign(), st.booleans())
def test_what_another_namespace_adds_ends_no_workload_that_works(
    team: Team, added: tuple[Object, ...], older: bool
) -> None:
    """It denies nothing and takes no injection, in a state, on creation and on an unchanged update, from any tool.

    Unless Istio itself tells the team's sidecars something else of the team's hosts (`tests/test_oracles.py` compares
    that with Istio's code).
    """
    alone = viewing([*team.others, team.workload])
    assume(not state_of(alone, team.workload))
    order = [*added, *team.others] if older else [*team.others, *added]
    crowded = viewing([*order, team.workload])
    if told(crowded, team) != told(alone, team):
        event("Istio tells the team's sidecars something else")
        return
    assert picture(crowded, team.workload).addition.mounts == picture(alone, team.workload).addition.mounts
    assert state_of(crowded, team.workload) == []
    before = viewing(order)
    for tool, dry_run in (("", False), ("helm", False), ("kustomize-controller", True)):
        assert denials(ask(before, team.workload, tool=tool, dry_run=dry_run)) == []
        assert denials(ask(crowded, team.workload, old=team.workload, tool=tool, dry_run=dry_run)) == []


@given(teams(), foreign(), st.sampled_from(("helm", "argocd-controller", "kustomize-controller")))
def test_a_release_of_a_good_state_is_never_denied(team: Team, there: tuple[Object, ...], tool: str) -> None:
    """Workloads first, objects of Istio after them, in a cluster in which another team has its own."""
    final = viewing([*there, *team.others, team.workload])
    assume(not state_of(final, team.workload))
    assume(told(final, team) == told(viewing([*team.others, team.workload]), team))
    first = [one for one in team.others if one["kind"] in ("Namespace", "Secret")]
    later = [one for one in team.others if one not in first]
    view = viewing([*there, *first])
    for one in (team.workload, *sorted(later, key=lambda each: str(each["kind"]))):
        assert denials(ask(view, one, tool=tool, dry_run=True)) == []
    for one in (team.workload, *sorted(later, key=lambda each: str(each["kind"]))):
        assert denials(ask(view, one, tool=tool)) == []
        view.put(one)


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[Object, Object]:
    """A workload of the team with another mount, and a DestinationRule of the team with other paths."""
    mounts = [("client", draw(st.sampled_from(DIRECTORIES)))]
    files = draw(st.sampled_from(DIRECTORIES)), draw(st.sampled_from(KEYS))
    return workload("a", "shop", mounts), rule("a", "partner-0", draw(st.sampled_from(("pay.partner.example",))), files)


@given(teams(), foreign(), mistakes(), st.sampled_from(("", "helm", "kustomize-controller")), st.booleans())
def test_what_is_denied_at_admission_is_denied_by_check_complete_too(
    team: Team, there: tuple[Object, ...], wrong: tuple[Object, Object], tool: str, update: bool
) -> None:
    """Of the state that there would be with the object: for the object itself, or for a workload that it breaks."""
    broken, moved = wrong
    before = [*there, *team.others, team.workload]
    view = viewing(before if update else [*there, *team.others])
    verdict = ask(view, broken, old=team.workload if update else None, tool=tool)
    if verdict.word == "deny":
        event("a workload is denied")
        assert state_of(viewing([*there, *team.others, broken]), broken)
    verdict = ask(viewing(before), moved, tool=tool)
    if verdict.word == "deny":
        event("a DestinationRule is denied")
        others = [one for one in before if (one["kind"], one["metadata"]["name"]) != ("DestinationRule", "partner-0")]
        found = judge_state(viewing([*others, moved]), Policy(), AT)
        assert any(denials(one) for one in found if one.subject.namespace == "a")
