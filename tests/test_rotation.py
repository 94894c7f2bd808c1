"""The webhook's own CA and certificate through the years: what is due when, and that no step leaves a gap."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.serving.ca import CertificateLifetimes, CertificatePair
from webhook.serving.rotation import (
    CertificateSet,
    RotationRequirements,
    RotationStep,
    advance,
    serves,
    usable_certificates,
)
from webhook.serving.secret_codec import read_bundle, read_state, write_state

START = datetime(2026, 11, 24, tzinfo=UTC)
NAMES = frozenset({"mtls-guard.mtls-guard.svc", "mtls-guard.mtls-guard.svc.cluster.local"})
TERMS = CertificateLifetimes()
DAY = timedelta(days=1)


def accepts(bundle: bytes, leaf: x509.Certificate, at: datetime, name: str) -> bool:
    """Whether a client with that bundle accepts the server at that instant: RFC 5280, by another program than ours."""
    authorities = read_bundle(bundle)
    if not authorities:
        return False
    verifier = PolicyBuilder().store(Store(list(authorities))).time(at).build_server_verifier(x509.DNSName(name))
    try:
        return bool(verifier.verify(leaf, []))
    except VerificationError:
        return False


def need(at: datetime, *settled: x509.Certificate, names: frozenset[str] = NAMES) -> RotationRequirements:
    return RotationRequirements(at, names, settled)


def settle(state: CertificateSet, at: datetime, *settled: x509.Certificate) -> tuple[CertificateSet, list[str]]:
    """The state once nothing more is due, and why it changed."""
    reasons = []
    while step := advance(state, need(at, *settled)):
        state = read_state(write_state(step.state)).state
        assert state == step.state
        reasons.append(step.reason)
        assert len(reasons) < 5
    return state, reasons


def first(at: datetime = START) -> CertificateSet:
    return settle(CertificateSet(), at)[0]


def due(state: CertificateSet, at: datetime, *settled: x509.Certificate) -> RotationStep:
    step = advance(state, need(at, *settled))
    assert step
    return step


def pair(found: CertificatePair | None) -> CertificatePair:
    assert found
    return found


@dataclass
class World:
    """An API server that is told late, replicas that look late, and the Secret between them."""

    bundle: bytes = b""
    secret: CertificateSet = field(default_factory=CertificateSet)
    since: datetime = START
    replicas: list[CertificatePair] = field(default_factory=list)
    looked: list[datetime] = field(default_factory=list)
    published: datetime = START
    changes: list[str] = field(default_factory=list)

    def lead(self, at: datetime, lag: timedelta) -> None:
        """One look of the leader, which cannot publish for a while after its last success."""
        settled = read_bundle(self.bundle) if at - self.since >= TERMS.settled else ()
        self.secret, reasons = settle(self.secret, at, *settled)
        self.changes += reasons
        if at - self.published >= lag or not self.bundle:
            self.since = at if self.bundle != self.secret.bundle else self.since
            self.bundle, self.published = self.secret.bundle, at

    def load(self, number: int, at: datetime, lag: timedelta) -> None:
        """One replica reads the Secret, if it is its time."""
        if at - self.looked[number] >= lag:
            self.replicas[number], self.looked[number] = pair(self.secret.leaf), at

    def start(self, replicas: int) -> None:
        """The first install."""
        self.lead(START, timedelta())
        self.replicas = [pair(self.secret.leaf)] * replicas
        self.looked = [START] * replicas

    def gaps(self, at: datetime) -> list[str]:
        """The replicas that the API server would refuse now."""
        served = dict.fromkeys(found.certificate for found in self.replicas)
        return [f"{at}: {leaf.serial_number}" for leaf in served if not accepts(self.bundle, leaf, at, min(NAMES))]


def walk(step: timedelta, publisher: timedelta, replicas: list[timedelta]) -> World:
    """Three years."""
    world = World()
    world.start(len(replicas))
    at = START
    while at < START + 3 * 365 * DAY:
        at += step
        # The worst order: who serves is asked before anything is done, in between, and after.
        assert world.gaps(at) == []
        world.lead(at, publisher)
        assert world.gaps(at) == []
        for number, lag in enumerate(replicas):
            world.load(number, at, lag)
        assert world.gaps(at) == []
    return world


def test_three_years_pass_without_a_gap() -> None:
    """Every step is shorter than the time between a renewal and the end of what it replaces."""
    world = walk(1 * DAY, 3 * DAY, [timedelta(), 5 * DAY, 20 * DAY])
    told = {reason: world.changes.count(reason) for reason in dict.fromkeys(world.changes)}
    assert told == {
        "a certificate that can serve was issued": 1,
        "the certificate was renewed": 17,
        "the next CA was announced": 4,
        "the announced CA has taken over": 4,
        "an expired CA was dropped": 3,
    }


@pytest.mark.slow
@settings(max_examples=10)
@given(
    st.integers(1, 14 * 24).map(lambda hours: timedelta(hours=hours + 12)),
    st.integers(0, 80).map(timedelta),
    st.lists(st.integers(0, 14).map(timedelta), min_size=1, max_size=3),
)
def test_three_years_of_rotation_have_no_gap(step: timedelta, publisher: timedelta, replicas: list[timedelta]) -> None:
    assert walk(step, publisher, replicas).changes


def test_a_gap_would_be_noticed() -> None:
    """The same walk with a replica that never looks again."""
    world = World()
    world.start(1)
    world.lead(START + 89 * DAY, timedelta())
    assert (world.gaps(START + 89 * DAY), len(world.gaps(START + 91 * DAY))) == ([], 1)


def test_the_first_certificate_is_for_our_names_and_nothing_else() -> None:
    state = first()
    leaf = pair(state.leaf)
    assert advance(state, need(START)) is None
    assert (leaf.end, pair(state.ca).end) == (START + 90 * DAY, START + 365 * DAY)
    answers = {name: accepts(state.bundle, leaf.certificate, START, name) for name in [*NAMES, "other.mtls-guard.svc"]}
    assert answers == dict.fromkeys(NAMES, True) | {"other.mtls-guard.svc": False}


def test_new_ca_serves_after_every_bundle_held_it() -> None:
    at = START + 245 * DAY
    state, reasons = settle(first(), at)
    announced = pair(state.announced).certificate
    assert reasons[-1] == "the next CA was announced"
    assert announced in state.trusted
    assert not serves(CertificateSet(leaf=state.leaf, previous=(announced,)), at, NAMES)
    taken = due(state, at, announced).state
    assert (pair(taken.ca).certificate, taken.announced) == (announced, None)
    assert pair(state.ca).certificate in taken.trusted


def test_the_key_of_an_old_ca_is_gone_once_it_signs_no_more() -> None:
    state, _ = settle(first(), START + 245 * DAY)
    old, announced = pair(state.ca), pair(state.announced)
    values = write_state(due(state, START + 246 * DAY, announced.certificate).state)
    again = read_state(values).state
    assert [again.ca, again.announced, again.previous] == [announced, None, (old.certificate,)]


def test_old_ca_leaves_after_its_last_leaf() -> None:
    state, _ = settle(first(), START + 245 * DAY)
    old = pair(state.ca)
    state, _ = settle(state, START + 246 * DAY, *state.trusted)
    before, _ = settle(state, old.end - timedelta(seconds=1))
    after, _ = settle(before, old.end)
    assert (old.certificate in before.trusted, old.certificate in after.trusted) == (True, False)


def test_two_year_pause_brings_new_ca_at_once() -> None:
    old, at = first(), START + 2 * 365 * DAY
    step = due(old, at)
    assert step.urgent
    state, _ = settle(old, at)
    assert serves(state, at, NAMES)
    assert set(old.trusted).isdisjoint(state.trusted)


def test_a_certificate_that_expired_alone_comes_from_the_same_ca() -> None:
    old, at = first(), START + 100 * DAY
    step = due(old, at)
    assert (step.urgent, step.state.ca, step.state.trusted) == (True, old.ca, old.trusted)
    assert serves(step.state, at, NAMES)


def test_changed_name_brings_one_new_certificate() -> None:
    """During an upgrade one replica still wants the old names, the other the new ones."""
    other = frozenset({"guard.mtls-guard.svc"})
    state = due_for(first(), START, other)
    assert [advance(state, need(START, names=names)) for names in (NAMES, other)] == [None, None]
    renewed = advance(state, need(START + 70 * DAY, names=other))
    assert renewed
    assert serves(renewed.state, START + 70 * DAY, other)
    assert not serves(renewed.state, START + 70 * DAY, NAMES)


def due_for(state: CertificateSet, at: datetime, names: frozenset[str]) -> CertificateSet:
    step = advance(state, need(at, names=names))
    assert step
    assert step.urgent
    return step.state


def test_what_is_damaged_in_the_secret_is_said_and_made_anew() -> None:
    """Each key in turn is cut, emptied, or exchanged for another one's; the result always serves again."""
    good, other = write_state(first()), write_state(first())
    for name in good:
        for content in (b"", good[name][:80], b"\xff\x00", other[name], good["tls.key"], good["tls.crt"]):
            if content == good[name]:
                continue
            reading = read_state(good | {name: content})
            state, _ = settle(reading.state, START)
            assert serves(state, START, NAMES), name
            assert all(len(fault) < 80 for fault in reading.faults)


def test_ca_without_key_is_replaced_in_two_steps() -> None:
    state = first()
    reading = read_state(write_state(state) | {"ca.key": b""})
    assert reading.faults == ('key "ca.key" is no private key as we make them',)
    after, reasons = settle(reading.state, START)
    assert (reasons, after.leaf) == (["the next CA was announced"], state.leaf)
    assert pair(state.ca).certificate in after.trusted


def test_a_replica_that_runs_puts_back_what_somebody_removed() -> None:
    """Deleted or damaged by hand: with the old state there is no gap, with a new CA there would be one."""
    known = first()
    damaged = read_state(write_state(known) | {"tls.crt": b""}).state
    assert [usable_certificates(found, known, START) for found in (CertificateSet(), damaged)] == [known, known]
    newer = first()
    assert usable_certificates(newer, known, START) == newer
    assert usable_certificates(CertificateSet(), known, START + 400 * DAY) == CertificateSet()


@given(st.dictionaries(st.sampled_from(sorted(write_state(first()))), st.binary(max_size=60)))
def test_no_content_of_a_secret_raises(values: dict[str, bytes]) -> None:
    reading = read_state(values)
    assert reading.state.leaf is None


def test_no_key_shows_when_a_state_is_printed() -> None:
    assert "key" not in repr(first()).lower()
