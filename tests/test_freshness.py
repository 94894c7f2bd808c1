"""What is waited for, and what is not to be relied on, in words."""

from datetime import UTC, datetime, timedelta

from webhook.informer.staleness import ClockReading, doubts, waits
from webhook.informer.store import WatchState
from webhook.informer.watched_kinds import BUILT_IN, WatchTarget
from webhook.kubeapi.resource import Resource

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIMIT = timedelta(minutes=2)
NOW = ClockReading(1000.0, AT)


def source(kind: str, *, synced: bool = True, silent: float = 0.0, trouble: str = "") -> WatchState:
    wanted = next(one for one in BUILT_IN if one.kind == kind)
    served = wanted.served or Resource(wanted.group, "v1", kind.lower() + "s", kind)
    return WatchState(WatchTarget(wanted, served), synced=synced, alive=NOW.seconds - silent, trouble=trouble)


def test_first_list_of_essential_kinds_is_awaited() -> None:
    sources = [
        source("DestinationRule", synced=False, trouble="GET /apis: 403 forbidden"),
        source("Service", synced=False),
        source("Certificate", synced=False),
        source("Pod"),
    ]
    rules = "destinationrules.networking.istio.io (GET /apis: 403 forbidden)"
    assert waits(sources) == f"the first list of {rules}, services"
    assert waits(sources[2:]) == ""


def test_of_many_kinds_a_few_are_named() -> None:
    kinds = ("Service", "Pod", "Deployment", "DaemonSet", "Job", "CronJob")
    assert waits(source(kind, synced=False) for kind in kinds).endswith("daemonsets.apps and 2 more")


def test_silent_kind_is_doubted_with_time() -> None:
    sources = [source("DestinationRule", silent=150, trouble="cut"), source("Service", silent=119)]
    assert doubts(sources, NOW, LIMIT) == {
        "DestinationRule": "destinationrules.networking.istio.io were last heard of at 2026-11-24T11:57:30Z: cut"
    }


def test_new_kind_is_doubted_until_listed() -> None:
    assert doubts([source("Certificate", synced=False)], NOW, LIMIT) == {
        "Certificate": "certificates.cert-manager.io were not listed yet"
    }
