"""Laws over states: the order in which objects arrive changes no verdict, at once or one request after the other."""

import itertools
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import worked
from tests.worked import Object, ask, cluster, of_kind
from webhook.engine import judge_state
from webhook.examples import AT, load
from webhook.model.finding import Finding, ObjectRef
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
TO_COME = {"secret-missing", "host-unknown", "https-port-unreached", "rule-serves-nobody"}


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
