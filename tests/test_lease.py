"""The leader election: at most one leads, somebody soon does, and wrong clocks change neither."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster_memory import Memory, unavailable
from webhook.kubeapi.errors import ClusterUnavailable
from webhook.leader.election import ElectionState, LeaderElector, LeaseRecord, LeaseTiming

WALL = datetime(2026, 11, 24, tzinfo=UTC)
TIMING = LeaseTiming()
PATH = "/apis/coordination.k8s.io/v1/namespaces/mtls-guard/leases/mtls-guard"


def candidate(memory: Memory, name: str) -> LeaderElector:
    return LeaderElector(memory, "mtls-guard", "mtls-guard", ElectionState(name))


def spec(memory: Memory) -> dict[str, object]:
    found: dict[str, object] = memory.objects[PATH]["spec"]
    return found


def test_the_first_to_create_the_lease_leads_and_the_other_waits() -> None:
    memory = Memory()
    one, two = candidate(memory, "one"), candidate(memory, "two")
    assert [one.step(0, WALL), two.step(0, WALL), one.step(2, WALL), two.step(2, WALL)] == [True, False, True, False]
    assert spec(memory) == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
        "acquireTime": "2026-11-24T00:00:00.000000Z",
        "renewTime": "2026-11-24T00:00:00.000000Z",
    }


def test_two_that_create_at_the_same_instant_do_not_both_lead() -> None:
    memory = Memory()
    one, two = candidate(memory, "one"), candidate(memory, "two")

    def meanwhile(verb: str, _path: str) -> None:
        if verb == "create":
            two.step(0, WALL)

    memory.before = meanwhile
    assert (one.step(0, WALL), two.election.leads(0)) == (False, True)


def test_abandoned_lease_is_taken_by_one_only() -> None:
    memory = Memory()
    candidate(memory, "gone").step(0, WALL)
    one, two = candidate(memory, "one"), candidate(memory, "two")
    assert [one.step(1, WALL), two.step(1, WALL)] == [False, False]

    def meanwhile(verb: str, _path: str) -> None:
        if verb == "replace":
            two.step(17, WALL)

    memory.before = meanwhile
    assert (one.step(17, WALL), two.election.leads(17)) == (False, True)
    assert (spec(memory)["holderIdentity"], spec(memory)["leaseTransitions"]) == ("two", 1)


def test_lease_is_taken_after_its_full_duration() -> None:
    memory = Memory()
    candidate(memory, "gone").step(0, WALL)
    other = candidate(memory, "other")
    at = [100.0, 114.9, 115.0]
    assert [other.step(now, WALL) for now in at] == [False, False, True]


@pytest.mark.parametrize("days", [-4000, 4000])
def test_wrong_clock_of_holder_does_not_matter(days: int) -> None:
    memory = Memory()
    holder, other = candidate(memory, "holder"), candidate(memory, "other")
    for now in range(0, 60, 2):
        assert holder.step(now, WALL + timedelta(days=days))
        assert not other.step(now, WALL)
    assert [other.step(now, WALL) for now in (60, 75)] == [False, True]


def test_leader_stops_before_another_can_start() -> None:
    memory = Memory()
    leader = candidate(memory, "leader")
    leader.step(0, WALL)
    memory.before = unavailable
    with pytest.raises(ClusterUnavailable):
        leader.step(2, WALL)
    assert [leader.election.leads(now) for now in (2, 9.9, 10)] == [True, True, False]
    assert TIMING.deadline + TIMING.retry < TIMING.lease


def test_late_leader_leads_only_after_renewal() -> None:
    memory = Memory()
    leader = candidate(memory, "leader")
    leader.step(0, WALL)
    assert not leader.election.leads(12)
    assert leader.step(12, WALL)


def test_a_released_lease_is_free_at_once() -> None:
    memory = Memory()
    leader, other = candidate(memory, "leader"), candidate(memory, "other")
    leader.step(0, WALL)
    other.step(0, WALL)
    leader.release(1, WALL)
    assert (leader.election.leads(1), other.step(1, WALL), leader.step(1, WALL)) == (False, True, False)


def test_who_does_not_lead_releases_nothing() -> None:
    memory = Memory()
    leader, other = candidate(memory, "leader"), candidate(memory, "other")
    assert [leader.step(0, WALL), other.step(0, WALL)] == [True, False]
    other.release(1, WALL)
    assert leader.step(2, WALL)


def test_a_lease_deleted_or_damaged_by_hand_is_made_anew() -> None:
    memory = Memory()
    leader = candidate(memory, "leader")
    leader.step(0, WALL)
    del memory.objects[PATH]
    assert leader.step(2, WALL)
    memory.objects[PATH] |= {"spec": None}
    assert (leader.step(4, WALL), spec(memory)["holderIdentity"]) == (True, "leader")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_no_shape_of_a_lease_raises(odd: object) -> None:
    assert LeaseRecord.of({"spec": odd, "metadata": odd}).holder == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("step", "cut", "release")), st.floats(0, 9))))
def test_at_no_instant_do_two_lead(moves: list[tuple[str, str, float]]) -> None:
    """Whoever moves, is cut off, or gives up, in any order and at any pace."""
    memory, now = Memory(), 0.0
    candidates = {name: candidate(memory, name) for name in "abc"}
    for name, move, pause in moves:
        now += pause
        memory.before = unavailable if move == "cut" else lambda _verb, _path: None
        if move == "release":
            candidates[name].release(now, WALL)
        elif move == "cut":
            with pytest.raises(ClusterUnavailable):
                candidates[name].step(now, WALL)
        else:
            candidates[name].step(now, WALL)
        assert sum(one.election.leads(now) for one in candidates.values()) <= 1
