"""Laws of two tenants: what another namespace adds ends no workload that works, and admission denies no good state.

HYPOTHESIS_PROFILE=thorough draws 5,000 cases of each; docs/oracles.md says what such runs counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from rig.oracles.calls import Destination, Istiod, Sidecar
from tests.injecting import injected
from tests.istio_objects import tls_blocks
from tests.oracle_parts import needed
from tests.tenant_mistakes import mistakes
from tests.tenant_strangers import foreign
from tests.tenant_teams import teams
from tests.tenants import NETWORKING, Object, Team
from webhook.engine import judge, judge_state, judge_workload
from webhook.examples import AT
from webhook.kinds.workload import read_workload
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import ObjectRef, Severity, Verdict
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.trace.injected_workload import picture_as_injected
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot

ISTIO = ("ServiceEntry", "DestinationRule", "VirtualService")


def aged(objects: Sequence[Object]) -> list[Object]:
    """Each object once, the last of a name; each is a second younger than the one before it."""
    held: dict[tuple[str, str, str], Object] = {}
    for age, one in enumerate(objects):
        created = f"2026-01-01T00:{age // 60:02}:{age % 60:02}Z"
        held[_key(ref_of(one))] = {**one, "metadata": {**one["metadata"], "creationTimestamp": created}}
    return list(held.values())


def stored(objects: Sequence[Object]) -> Snapshot:
    """A cluster in which these objects exist as they are."""
    view = Snapshot(complete=True)
    for one in objects:
        view.put(one)
    return view


def viewing(objects: Sequence[Object]) -> Snapshot:
    """A cluster in which these objects exist, in the order of their age."""
    return stored(aged(objects))


def ref_of(one: Object) -> ObjectRef:
    """How the object is named."""
    meta = one["metadata"]
    return ObjectRef(one["apiVersion"], one["kind"], meta.get("namespace", ""), meta["name"])


def ask(view: Snapshot, one: Object, *, old: Object | None = None, tool: str = "", dry_run: bool = False) -> Verdict:
    """The verdict on creation, or update, of the object."""
    operation = "UPDATE" if old else "CREATE"
    request = Request("uid", operation, ref_of(one), new=one, old=old or {}, dry_run=dry_run, field_manager=tool)
    return judge(request, view, Policy(), AT)


def denials(verdict: Verdict) -> list[str]:
    """The findings that deny."""
    return [f"{one.rule} {one.object}: {one.problem}" for one in verdict.findings if one.severity is Severity.DENY]


def state_of(view: Snapshot, one: Object) -> list[str]:
    """What `check --complete` denies the workload for."""
    read = read_workload(one)
    assert read is not None
    return denials(judge_workload(read, view, Policy(), AT))


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
    calls = [call for host in team.hosts for call in seen.reach.http_calls(host) if call.port.number == 80]
    blocks = [tls_blocks(seen.reach, call.host, call.number, call.subset) for call in calls]
    places = [(call.end, call.host, call.number, call.subset, call.conditional) for call in calls]
    return [places, blocks]


@dataclass(frozen=True)
class Occasion:
    """How the objects of the team are sent. late: which of its objects of Istio comes last."""

    tool: str = ""
    dry_run: bool = False
    late: int = 0


OCCASIONS = st.builds(
    Occasion, st.sampled_from(("", "helm", "kustomize-controller", "argocd-controller")), st.booleans(), st.integers(0)
)


class Tenants:
    """A team with what another namespace adds: the team alone, and both. older: what is added was there before it."""

    def __init__(self, team: Team, added: Sequence[Object], *, older: bool) -> None:
        own = [*team.others, team.workload]
        self.team, self.added = team, added
        self.objects = aged([*added, *own] if older else [*own, *added])
        names = {_key(ref_of(one)) for one in own}
        self.own = [one for one in self.objects if _key(ref_of(one)) in names]
        self.alone, self.both = stored(self.own), stored(self.objects)

    def moved(self) -> bool:
        """Whether Istio, as it is predicted, tells the team's sidecars something else than before."""
        return told(self.both, self.team) != told(self.alone, self.team)

    def harms(self, on: Occasion) -> Iterator[str]:
        """What the added objects do to the team."""
        workload = self._stored(self.both)
        mounts = [set(picture(view, workload).addition.mounts) for view in (self.alone, self.both)]
        if mounts[0] != mounts[1]:
            yield f"injection mounts {mounts[1]} instead of {mounts[0]}"
        yield from state_of(self.both, workload)
        yield from self._last(self.both, workload, on)
        yield from denials(ask(self.both, workload, old=workload, tool=on.tool, dry_run=on.dry_run))
        late = [one for one in self.team.others if one["kind"] in ISTIO]
        one = late[on.late % len(late)]
        yield from set(self._last(self.both, one, on)) - set(self._last(self.alone, one, on))

    def _stored(self, view: Snapshot) -> Object:
        """The workload; a Pod as injection leaves it, for the validating webhook sees no other."""
        workload = self.team.workload
        return injected(workload, view) if workload["kind"] == "Pod" else workload

    def _last(self, view: Snapshot, one: Object, on: Occasion) -> list[str]:
        """The denials of an object of the team that comes last."""
        before = view.copy()
        before.remove(ref_of(one))
        return denials(ask(before, one, tool=on.tool, dry_run=on.dry_run))

    def blamed(self) -> list[str]:
        """The added objects that are denied because they break the team, when they come one by one."""
        view, found = self.alone.copy(), []
        for one in self.added:
            lines = denials(ask(view, one)) if one["kind"] in ISTIO else []
            found += [line for line in lines if line.startswith("workload-broken-by-change") and " a/" in line]
            view.put(one)
        return found


@given(teams(), foreign(), st.booleans(), OCCASIONS)
def test_what_another_namespace_adds_ends_no_workload_that_works(
    team: Team, added: tuple[Object, ...], older: bool, on: Occasion
) -> None:
    """It denies nothing and changes no injection, in a state, on creation and on an unchanged update, from any tool.

    Unless Istio itself tells the team's sidecars something else of the team's hosts, which the next test asks Istio.
    """
    tenants = Tenants(team, added, older=older)
    assume(not state_of(tenants.alone, team.workload))
    assert tenants.blamed() == []
    if tenants.moved():
        event("passed over: Istio tells the team's sidecars something else")
    else:
        assert list(tenants.harms(on)) == []


def calls(istiod: Istiod, objects: Sequence[Object], tenants: Tenants) -> tuple[Destination, ...]:
    """What Istio's own code tells the team's sidecar of its hosts where these objects exist."""
    read = [one for one in objects if one["apiVersion"] == NETWORKING or one["kind"] == "Service"]
    labels = picture(tenants.alone, tenants.team.workload).pod.labels
    return istiod.calls(read, Sidecar("a", tuple(sorted(labels.items()))), tenants.team.hosts)


@pytest.fixture(scope="module")
def istiod() -> Iterator[Istiod]:
    """Istiod's own code, running."""
    with Istiod() as running:
        needed(lambda: running.calls([], Sidecar("a"), ()))
        yield running


@pytest.mark.slow
@given(teams(), foreign(), st.booleans(), OCCASIONS)
def test_allow_turning_into_denial_is_broken_in_istio(
    istiod: Istiod, team: Team, added: tuple[Object, ...], older: bool, on: Occasion
) -> None:
    """Istiod's own code is asked in every case: a team is harmed only where its calls end elsewhere, or otherwise."""
    tenants = Tenants(team, added, older=older)
    assume(not state_of(tenants.alone, team.workload))
    same = calls(istiod, tenants.objects, tenants) == calls(istiod, tenants.own, tenants)
    predicted, found = tenants.moved() is not same, list(tenants.harms(on))
    said = f"{'the same' if same else 'other'} calls, {'as' if predicted else 'not as'} predicted"
    event(f"istiod: {said}; {'harmed' if found else 'no harm'}")
    assert found == [] or not same
    assert predicted or same, "istiod makes other calls of it, and that is not predicted"


@given(teams(named=False), foreign(), st.sampled_from(("helm", "argocd-controller", "kustomize-controller")))
def test_a_release_of_a_good_state_is_never_denied(team: Team, there: tuple[Object, ...], tool: str) -> None:
    """Workloads first, objects of Istio after them, in a cluster in which another team has its own.

    Without the hosts in the environment: there, a public DestinationRule of another team for the same host denies a
    mount at another place by strong evidence of intent, in the order of any sender.
    """
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


@given(teams(), foreign(), mistakes(), OCCASIONS, st.booleans())
def test_admission_denial_is_denied_by_check_complete(
    team: Team, there: tuple[Object, ...], wrong: Object, on: Occasion, update: bool
) -> None:
    """Of the state that there would be with the object: for the object itself, or for a workload of its namespace."""
    before = [*there, *team.others, *([team.workload] if update or wrong["kind"] in ISTIO else [])]
    old = next((one for one in before if _key(ref_of(one)) == _key(ref_of(wrong))), None)
    verdict = ask(viewing(before), wrong, old=old, tool=on.tool, dry_run=on.dry_run)
    event(f"{wrong['kind']}: {verdict.word}")
    if verdict.word == "deny":
        found = judge_state(viewing([*(one for one in before if one is not old), wrong]), Policy(), AT)
        assert any(denials(one) for one in found if one.subject.namespace == "a"), denials(verdict)
