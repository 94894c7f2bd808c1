"""What is waited for, and what is not to be relied on, in words."""

from datetime import UTC, datetime, timedelta

from webhook.informer.staleness import Now, doubts, waits
from webhook.informer.store import Source
from webhook.informer.watched_kinds import BUILT_IN, Followed
from webhook.kubeapi.resource import Resource

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIMIT = timedelta(minutes=2)
NOW = Now(1000.0, AT)


def source(kind: str, *, synced: bool = True, silent: float = 0.0, trouble: str = "") -> Source:
    wanted = next(one for one in BUILT_IN if one.kind == kind)
    served = wanted.served or Resource(wanted.group, "v1", kind.lower() + "s", kind)
    return Source(Followed(wanted, served), synced=synced, alive=NOW.seconds - silent, trouble=trouble)


def test_the_first_list_of_each_essential_kind_is_waited_for_and_why_is_said() -> None:
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


def test_a_kind_that_was_silent_for_longer_than_the_limit_is_doubted_and_it_is_said_since_when() -> None:
    sources = [source("DestinationRule", silent=150, trouble="cut"), source("Service", silent=119)]
    assert doubts(sources, NOW, LIMIT) == {
        "DestinationRule": "destinationrules.networking.istio.io were last heard of at 2026-11-24T11:57:30Z: cut"
    }


def test_a_kind_that_came_while_running_is_doubted_until_it_was_listed() -> None:
    assert doubts([source("Certificate", synced=False)], NOW, LIMIT) == {
        "Certificate": "certificates.cert-manager.io were not listed yet"
    }
