"""What CA bundles hold: they grow at once, shrink late, and what others wrote is not taken for ours."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from certs.encode import cert_pem
from certs.issue import CA, Dates, make_ca
from tests.cluster_memory import Memory
from tests.test_entries import configuration, entry
from webhook.kubeapi.errors import Conflict
from webhook.kubeapi.resource import VALIDATING
from webhook.leader.ca_bundle_plan import Blocks, blocks_of, grown, settled, since, stamp
from webhook.leader.ca_bundles import CaBundleStore, WebhookConfigurationName

NOW = datetime(2026, 11, 30, tzinfo=UTC)
TEN = timedelta(minutes=10)
PATH = VALIDATING.path("", "mtls-guard")


def authority() -> Blocks:
    return blocks_of(cert_pem(make_ca(Dates.around(NOW), CA)))


def cluster() -> tuple[Memory, CaBundleStore]:
    memory = Memory()
    memory.create(VALIDATING, configuration(VALIDATING, "mtls-guard", entry("reach"), entry("shadows")))
    targets = [WebhookConfigurationName(VALIDATING, name) for name in ("mtls-guard", "mtls-guard-enforcing")]
    return memory, CaBundleStore(memory, targets)


def test_bundles_are_written_where_they_differ_and_nowhere_else() -> None:
    memory, bundles = cluster()
    (one,) = authority()
    assert bundles.write(bundles.read(NOW), (one,), NOW) == ("mtls-guard",)
    assert bundles.write(bundles.read(NOW), (one,), NOW) == ()
    memory.objects[PATH]["webhooks"][1]["clientConfig"]["caBundle"] = "no base64"
    assert bundles.write(bundles.read(NOW), (one,), NOW) == ("mtls-guard",)
    (published,) = bundles.read(NOW)
    assert set(published.bundles.values()) == {one + b"\n"}
    assert [asked.partition(" ")[0] for asked in memory.asked].count("apply") == 2


def test_concurrent_write_of_another_replica_is_kept() -> None:
    _, bundles = cluster()
    (one,), (two,) = authority(), authority()
    before = bundles.read(NOW)
    bundles.write(before, (one,), NOW)
    assert bundles.write(before, (two,), NOW) == ()
    assert grown(bundles.read(NOW), (two,)) == (two, one)


def test_a_ca_that_others_wrote_into_an_entry_is_not_kept() -> None:
    memory, bundles = cluster()
    (one,), (foreign,) = authority(), authority()
    bundles.write(bundles.read(NOW), (one,), NOW)
    memory.objects[PATH]["webhooks"][0]["clientConfig"]["caBundle"] = base64.b64encode(one + b"\n" + foreign).decode()
    assert grown(bundles.read(NOW), (one,)) == (one,)


def test_bundle_is_settled_after_every_configuration_held_it() -> None:
    _, bundles = cluster()
    (one,), (two,) = authority(), authority()
    bundles.write(bundles.read(NOW), (one,), NOW)
    assert not settled(bundles.read(NOW + TEN / 2), (one,), NOW + TEN / 2, TEN)
    assert settled(bundles.read(NOW + TEN), (one,), NOW + TEN, TEN)
    assert not settled(bundles.read(NOW + TEN), (two,), NOW + TEN, TEN)
    assert not settled((), (one,), NOW, TEN)
    bundles.write(bundles.read(NOW + TEN), (one, two), NOW + TEN)
    assert not settled(bundles.read(NOW + TEN), (one,), NOW + TEN, TEN)


@pytest.mark.parametrize("value", ["", "yesterday", "2026-11-30T00:00:00 {}", "2027-01-01T00:00:00Z {}", "{} {}"])
def test_invalid_or_future_stamp_is_foreign(value: str) -> None:
    digest = stamp(b"a", NOW).partition(" ")[2]
    assert since(stamp(b"a", NOW), (b"a", b"a"), NOW) == NOW
    assert since(value.format(digest, digest), (b"a",), NOW) is None
    assert since(stamp(b"a", NOW), (b"a", b"b"), NOW) is None


def test_a_conflict_is_what_the_api_server_says_to_a_late_writer() -> None:
    """The premise of the tests above."""
    memory, bundles = cluster()
    (published,) = bundles.read(NOW)
    memory.version += 1
    memory.objects[PATH]["metadata"]["resourceVersion"] = "99"
    manifest = {"metadata": {"name": "mtls-guard", "resourceVersion": published.version}, "webhooks": []}
    with pytest.raises(Conflict):
        memory.apply(VALIDATING, manifest, "test", force=True)
