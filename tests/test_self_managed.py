"""Several replicas, one Secret: they agree on one CA, never fight, and a round publishes before anything is served."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cluster_memory import Memory, unavailable
from webhook.kubeapi.errors import ClusterUnavailable
from webhook.kubeapi.resource import SECRETS, VALIDATING
from webhook.leader.ca_bundle_plan import blocks_of
from webhook.leader.ca_bundle_sync import CaBundleSync
from webhook.leader.ca_bundles import CaBundleStore, WebhookConfigurationName
from webhook.leader.loop import ProblemLog, ReplicaTasks
from webhook.leader.serving_certificate import CertificateSpec, SelfManagedCertificate
from webhook.leader.serving_secret import ServingSecret
from webhook.serving.key_file import PrivateFile
from webhook.serving.rotation import serves
from webhook.serving.secret_codec import read_bundle, read_state

AT = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = frozenset({"mtls-guard.mtls-guard.svc"})
SECRET = SECRETS.path("mtls-guard", "mtls-guard-serving")
CONFIGURATION = VALIDATING.path("", "mtls-guard")


def replica(memory: Memory, folder: Path, names: frozenset[str] = NAMES) -> SelfManagedCertificate:
    secret = ServingSecret(memory, "mtls-guard", "mtls-guard-serving")
    return SelfManagedCertificate(secret, PrivateFile(folder), CertificateSpec(names))


def writes(memory: Memory) -> int:
    return sum(not asked.startswith("get") for asked in memory.asked)


def configured() -> Memory:
    """A cluster with the chart's webhook configuration."""
    memory = Memory()
    entries: list[dict[str, Any]] = [{"name": name, "clientConfig": {}} for name in ("reach", "shadows")]
    memory.create(VALIDATING, {"metadata": {"name": "mtls-guard"}, "webhooks": entries})
    return memory


def work(memory: Memory, certificate: SelfManagedCertificate) -> ReplicaTasks:
    bundles = CaBundleStore(memory, [WebhookConfigurationName(VALIDATING, "mtls-guard")])
    return ReplicaTasks(certificate, CaBundleSync(bundles, min(NAMES), certificate.making.terms.settled))


def do(work: ReplicaTasks, at: datetime, *, leads: bool = True) -> None:
    for job in work.jobs(at, leads=leads).values():
        job()


@pytest.mark.parametrize("verb", ["get", "create"])
def test_replicas_starting_together_agree_on_one_ca(verb: str, tmp_path: Path) -> None:
    memory = Memory()
    one, two = replica(memory, tmp_path), replica(memory, tmp_path)

    def meanwhile(asked: str, _path: str) -> None:
        if asked == verb:
            two.look(AT)

    memory.before = meanwhile
    first = one.look(AT)
    memory.before = lambda _verb, _path: None
    assert first == two.look(AT) == read_state(replica(memory, tmp_path).secret.read().values).state
    assert one.file.path.read_bytes() == two.file.path.read_bytes()
    assert [asked.partition(" ")[0] for asked in memory.asked].count("create") <= 2
    assert memory.version == 1


def test_a_replica_that_does_not_lead_renews_nothing(tmp_path: Path) -> None:
    memory = Memory()
    one, two = replica(memory, tmp_path), replica(memory, tmp_path)
    one.look(AT)
    before = writes(memory)
    assert two.look(AT + 70 * DAY).leaf == one.state.leaf
    assert writes(memory) == before
    renewed = one.look(AT + 70 * DAY, leads=True)
    served = two.file.path.read_bytes()
    assert two.look(AT + 70 * DAY) == renewed
    assert (served != two.file.path.read_bytes(), two.file.path.read_bytes()) == (True, one.file.path.read_bytes())


def test_unusable_secret_is_replaced_by_any_replica(tmp_path: Path) -> None:
    memory = Memory()
    replica(memory, tmp_path).look(AT)
    later = replica(memory, tmp_path)
    assert serves(later.look(AT + 500 * DAY), AT + 500 * DAY, NAMES)


def test_deleted_or_damaged_secret_is_restored(tmp_path: Path) -> None:
    memory = Memory()
    one = replica(memory, tmp_path)
    known = one.look(AT)
    del memory.objects[SECRET]
    assert one.look(AT) == known
    memory.objects[SECRET]["data"] |= {"tls.crt": "", "ca.key": "AAAA"}
    assert one.look(AT) == known
    assert replica(memory, tmp_path).look(AT) == known


def test_an_api_server_that_is_away_leaves_what_is_served(tmp_path: Path) -> None:
    memory = Memory()
    one = replica(memory, tmp_path)
    one.look(AT)
    served = one.file.path.read_bytes()
    memory.before = unavailable
    with pytest.raises(ClusterUnavailable):
        one.look(AT + 70 * DAY, leads=True)
    assert one.file.path.read_bytes() == served


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 20)), min_size=5, max_size=60))
def test_replicas_agree_in_any_order(moves: list[tuple[int, bool, int]]) -> None:
    """Also two that both believe to lead, and one whose names differ during an upgrade."""
    memory, at = Memory(), AT
    other = NAMES | {"mtls-guard.mtls-guard.svc.cluster.local"}
    replicas = [replica(memory, Path("none"), names) for names in (NAMES, NAMES, other)]
    for number, leads, days in moves:
        at += days * DAY
        replicas[number].look(at, leads=leads)
    states = [one.look(at) for one in (*replicas, *replicas)][-3:]
    assert states[0] == states[1] == states[2]
    before = writes(memory)
    assert [one.look(at) for one in replicas] == states
    assert writes(memory) == before
    for one in replicas:
        one.file.remove()


def held(memory: Memory) -> set[frozenset[bytes]]:
    """The different sets of CAs that entries hold."""
    (published,) = CaBundleStore(memory, [WebhookConfigurationName(VALIDATING, "mtls-guard")]).read(AT + 9000 * DAY)
    return {frozenset(blocks_of(bundle)) for bundle in published.bundles.values()}


def ca(one: SelfManagedCertificate) -> tuple[object, object]:
    """The CA that signs, and the one to come."""
    return one.state.ca, one.state.announced


def test_a_round_publishes_the_bundle_and_repairs_it(tmp_path: Path) -> None:
    memory, one = configured(), replica(Memory(), tmp_path)
    one.secret.api = memory
    leader = work(memory, one)
    do(leader, AT)
    assert held(memory) == {frozenset(one.authorities)}
    memory.objects[CONFIGURATION]["webhooks"][1]["clientConfig"]["caBundle"] = "AAAA"
    do(leader, AT + DAY)
    assert held(memory) == {frozenset(one.authorities)}


def test_new_ca_signs_after_every_entry_held_it(tmp_path: Path) -> None:
    memory = configured()
    one = replica(memory, tmp_path)
    leader, at = work(memory, one), AT + 245 * DAY
    do(leader, AT)
    do(leader, at)
    old, announced = one.state.ca, one.state.announced
    do(leader, at + timedelta(minutes=9))
    assert announced
    assert (ca(one), held(memory)) == ((old, announced), {frozenset(one.authorities)})
    assert announced.certificate in read_bundle(one.state.bundle)
    do(leader, at + timedelta(minutes=11))
    assert ca(one) == (announced, None)


def test_ca_published_in_time_replaces_the_old_one(tmp_path: Path) -> None:
    """Nobody could publish for months; when it works again, there is no time to wait."""
    memory = configured()
    one = replica(memory, tmp_path)
    leader = work(memory, one)
    do(leader, AT)
    old = one.state.ca
    assert old
    at = old.end - timedelta(minutes=5)
    do(leader, at)
    announced = one.state.announced
    do(leader, at + timedelta(seconds=5))
    assert ca(one) == (announced, None)
    assert held(memory) == {frozenset(one.authorities)}
    assert old.certificate in read_bundle(one.state.bundle)


@pytest.mark.parametrize("change", ["another leader every minute", "an entry overwritten in between"])
def test_age_of_ca_in_bundles_is_read_from_the_cluster(change: str, tmp_path: Path) -> None:
    """So a new leader does not begin to wait again; who finds an entry changed does."""
    memory = configured()
    one = replica(memory, tmp_path)
    leader, at = work(memory, one), AT + 245 * DAY
    do(leader, AT)
    do(leader, at)
    before = ca(one)
    for minute in range(1, 10):
        other = replica(memory, tmp_path)
        if change == "an entry overwritten in between" and minute == 5:
            memory.objects[CONFIGURATION]["webhooks"][0]["clientConfig"]["caBundle"] = "AAAA"
        do(work(memory, other), at + timedelta(minutes=minute))
        assert ca(other) == before
    last = replica(memory, tmp_path)
    successor = work(memory, last)
    do(successor, at + timedelta(minutes=11))
    do(successor, at + timedelta(minutes=11, seconds=5))
    overwritten = change == "an entry overwritten in between"
    assert ca(last) == (before if overwritten else (before[1], None))
    do(successor, at + timedelta(minutes=16))
    assert ca(last) == (before[1], None)


def test_failing_duty_does_not_stop_the_others() -> None:
    done: list[str] = []
    complaints = ProblemLog()
    for duty in ("one", "two", "three"):
        with complaints.about(duty):
            if duty == "two":
                raise ClusterUnavailable("no answer")
            done.append(duty)
    assert done == ["one", "three"]
