"""Laws over states: the order in which objects arrive changes no verdict, at once or one request after the other."""

import itertools
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import worked
from tests.live import mesh_objects as team
from tests.worked import Object, ask, cluster, of_kind
from webhook.engine import judge_state
from webhook.examples import AT, load
from webhook.model.finding import Finding, ObjectRef, Severity
from webhook.model.rule import Example
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.view import Snapshot


@cache
def examples() -> tuple[Example, ...]:
    """The examples of every rule that describe a state, and no change."""
    found = (example for one in catalogue().values() for example in load(one.id))
    return tuple(example for example in found if not (example.old or example.deleted))


def state(example: Example) -> list[Object]:
    """Everything that exists in the example, each object once."""
    around = [one for one in worked.worked() if one["kind"] not in example.without] if example.worked else []
    objects = [*around, *worked.objects(example.cluster), *worked.objects(example.object)]
    last = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one for one in objects}
    return list(last.values())


def judged(objects: list[Object], *, complete: bool = True) -> dict[ObjectRef, tuple[Finding, ...]]:
    """The findings of each verdict when the objects come in this order."""
    view = Snapshot(complete=complete)
    for one in objects:
        view.put(one)
    return {verdict.subject: tuple(verdict.findings) for verdict in judge_state(view, Policy(), AT)}


@given(st.data())
def test_the_order_of_arrival_changes_no_verdict(data: st.DataObject) -> None:
    """The same objects give the same findings, whichever came first: for every example of every rule."""
    example = data.draw(st.sampled_from(examples()))
    objects = state(example)
    shuffled = data.draw(st.permutations(objects))
    assert judged(shuffled, complete=example.complete) == judged(objects, complete=example.complete)


@given(st.permutations([*worked.worked(), worked.deployment()]))
def test_the_worked_example_has_no_finding_in_any_order(objects: list[Object]) -> None:
    assert {ref.kind: found for ref, found in judged(objects).items()} == {"Deployment": (), "DestinationRule": ()}


PARTS = ("Secret", "ServiceEntry", "DestinationRule", "VirtualService", "Deployment")
TO_COME = {"secret-missing", "host-unknown", "https-port-unused", "destinationrule-unused"}


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)), ids="-".join)
def test_the_worked_example_can_be_applied_in_any_order(order: tuple[str, ...]) -> None:
    """What completes it has no finding; on the way only the workload is refused, for what is not there yet."""
    view, verdicts = cluster(without=PARTS), {}
    for kind in order:
        verdicts[kind] = ask(view, "CREATE", of_kind(kind))
        view.put(of_kind(kind))
    assert {one.rule for verdict in verdicts.values() for one in verdict.findings} <= TO_COME
    assert {kind for kind, verdict in verdicts.items() if verdict.word == "deny"} <= {"Deployment"}
    assert verdicts[order[-1]].findings == ()


LATE = (team.partner("two"), team.rule("two", "/etc/two"), team.workload("two", "/etc/two", "two"))


def with_a_first_partner() -> Snapshot:
    """A namespace in which one workload calls one partner, and the Secret for a second one is there."""
    material = of_kind("Secret")
    secrets = [{**material, "metadata": {"namespace": team.TEAM, "name": name}} for name in ("one", "two")]
    first = (team.partner("one"), team.rule("one", "/etc/one"), team.workload("one", "/etc/one", "one"))
    view = Snapshot()
    for one in (team.namespace(), *secrets, *first):
        view.put(one)
    return view


@pytest.mark.parametrize(
    "order", list(itertools.permutations(LATE)), ids=lambda order: "-".join(o["kind"] for o in order)
)
def test_a_second_partner_of_a_namespace_can_come_in_any_order(order: tuple[Object, ...]) -> None:
    """Helm creates Deployments before objects of Istio: a mount whose rule is to come is not one of another rule."""
    view = with_a_first_partner()
    for one in order:
        verdict = ask(view, "CREATE", one)
        refused = {finding.rule for finding in verdict.findings if finding.severity is Severity.DENY}
        assert refused <= TO_COME
        view.put(one)


def test_mount_of_a_secret_that_others_use_is_intent() -> None:
    verdict = ask(with_a_first_partner(), "CREATE", team.workload("two", "/etc/wrong", "one"))
    assert {one.rule: str(one.severity) for one in verdict.findings} == {"file-not-mounted": "deny"}


def test_destinationrule_before_its_route_breaks_nothing() -> None:
    """Two partners of a namespace, both read from one directory; the second one's VirtualService is still to come."""
    view = Snapshot()
    plain, secured = (
        {"number": 80, "name": "http", "protocol": "HTTP"},
        {"number": 443, "name": "tls", "protocol": "HTTPS"},
    )
    entry = team.partner("two")
    entry["spec"]["ports"] = [plain, secured]
    first = (team.partner("one"), team.rule("one", "/etc/one"), team.workload("one", "/etc/one", "one"))
    for one in (team.namespace(), team.secret("one"), *first, entry):
        view.put(one)
    rule = team.rule("two", "/etc/one")
    rule["spec"]["trafficPolicy"] = {
        "portLevelSettings": [{"port": {"number": 443}, "tls": rule["spec"]["trafficPolicy"]["tls"]}]
    }
    verdict = ask(view, "CREATE", rule)
    assert {one.rule: str(one.severity) for one in verdict.findings} == {"https-port-unused": "warn"}
