"""List and watch as a state machine, told answers from a script: what it asks next, and what it says has changed."""

from typing import Any

import pytest

from webhook.informer.list_watch import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PAGE,
    Change,
    ListWatch,
    ObjectDeleted,
    ObjectUpserted,
)
from webhook.kubeapi.errors import ClusterUnavailable, Forbidden, Gone

HALF = 0.5


def item(name: str, version: str = "1", namespace: str = "devel") -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name, "resourceVersion": version}}


def page(*names: str, version: str = "10", more: str = "") -> dict[str, Any]:
    metadata = {"resourceVersion": version, **({"continue": more} if more else {})}
    return {"metadata": metadata, "items": [item(name) for name in names]}


def event(kind: str, name: str, version: str) -> dict[str, Any]:
    return {"type": kind, "object": item(name, version)}


def said(changes: list[Change]) -> list[str]:
    """The changes as words, so that a whole script reads at a glance."""
    words = []
    for change in changes:
        if isinstance(change, ObjectUpserted):
            words.append(f"put {change.manifest['metadata']['name']}")
        elif isinstance(change, ObjectDeleted):
            words.append(f"removed {change.name[1]}")
        else:
            words.append("only " + ",".join(sorted(name for _, name in change.names)))
    return words


@pytest.fixture
def machine() -> ListWatch:
    return ListWatch({}, lambda: HALF)


@pytest.fixture
def watching(machine: ListWatch) -> ListWatch:
    """One that has listed a and b, up to version 10."""
    list(machine.page(page("a", "b")))
    return machine


def test_initial_list_is_paged_and_consistent(machine: ListWatch) -> None:
    request = machine.request()
    assert (request.watch, request.query) == (False, {"limit": PAGE})
    assert not machine.synced


def test_selectors_stand_in_every_request() -> None:
    machine = ListWatch({"fieldSelector": "metadata.name=istio"}, lambda: HALF)
    assert machine.request().query["fieldSelector"] == "metadata.name=istio"
    list(machine.page(page()))
    assert machine.request().query["fieldSelector"] == "metadata.name=istio"


def test_pages_are_requested_to_the_end(machine: ListWatch) -> None:
    assert said(list(machine.page(page("a", "b", more="next")))) == ["put a", "put b"]
    assert machine.request().query == {"limit": PAGE, "continue": "next"}
    assert (machine.synced, machine.version) == (False, "")
    assert said(list(machine.page(page("c")))) == ["put c", "only a,b,c"]
    assert (machine.synced, machine.version) == (True, "10")


def test_watch_follows_list_with_bookmarks_and_timeout(watching: ListWatch) -> None:
    request = watching.request()
    assert request.watch
    assert request.query == {"resourceVersion": "10", "allowWatchBookmarks": "true", "timeoutSeconds": 60}


def test_watches_of_many_replicas_do_not_end_at_the_same_time() -> None:
    lengths = set()
    for jitter in (0.0, 0.3, 0.99):
        machine = ListWatch({}, lambda jitter=jitter: jitter)  # type: ignore[misc]
        list(machine.page(page()))
        lengths.add(machine.request().query["timeoutSeconds"])
    assert len(lengths) == 3


def test_events_change_objects_and_resume_the_watch(watching: ListWatch) -> None:
    changes: list[Change] = []
    for told in (event("ADDED", "c", "11"), event("MODIFIED", "a", "12"), event("DELETED", "b", "13")):
        changes += watching.line(told)
    assert said(changes) == ["put c", "put a", "removed b"]
    watching.ended(60)
    assert watching.request().query["resourceVersion"] == "13"


def test_a_bookmark_changes_nothing_but_where_to_resume(watching: ListWatch) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "99"}}}
    assert list(watching.line(bookmark)) == []
    assert watching.request().query["resourceVersion"] == "99"


def test_a_kind_of_event_that_nobody_knows_changes_nothing(watching: ListWatch) -> None:
    assert list(watching.line({"type": "SOMETHING", "object": {}})) == []
    assert list(watching.line({})) == []
    assert watching.version == "10"


def test_expired_watch_is_followed_at_once(watching: ListWatch) -> None:
    watching.request()
    watching.ended(60)
    assert (watching.pause, watching.restarts, watching.request().watch) == (0.0, 0, True)


def test_immediately_ending_watch_is_delayed(watching: ListWatch) -> None:
    pauses = []
    for _ in range(4):
        watching.request()
        watching.ended(0.01)
        pauses.append(watching.pause)
    assert pauses == sorted(pauses)
    assert pauses[0] > 0


def test_expired_version_causes_a_relist(watching: ListWatch) -> None:
    expired = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}
    with pytest.raises(Gone, match="too old") as told:
        list(watching.line(expired))
    watching.failed(told.value)
    assert watching.request().query == {"limit": PAGE}
    assert said(list(watching.page(page("b", "c", version="20")))) == ["put b", "put c", "only b,c"]
    assert watching.request().query["resourceVersion"] == "20"


def test_what_was_seen_counts_while_it_is_listed_anew(watching: ListWatch) -> None:
    watching.failed(Gone("gone", 410))
    assert (watching.synced, watching.version) == (True, "10")


def test_a_list_that_expires_between_its_pages_begins_anew(machine: ListWatch) -> None:
    list(machine.page(page("a", more="next")))
    machine.failed(Gone("the continue token is too old", 410))
    assert machine.request().query == {"limit": PAGE}
    assert said(list(machine.page(page("b")))) == ["put b", "only b"]


def test_410_again_and_again_is_answered_with_ever_longer_pauses(watching: ListWatch) -> None:
    pauses = []
    for _ in range(12):
        watching.failed(Gone("gone", 410))
        pauses.append(watching.pause)
        list(watching.page(page("a")))
        assert watching.pause == 0.0
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_410_after_an_outage_relists_soon(watching: ListWatch) -> None:
    for _ in range(12):
        watching.failed(ClusterUnavailable("cut"))
    watching.failed(Gone("gone", 410))
    assert watching.pause == FIRST_PAUSE


def test_an_error_in_a_line_that_is_no_410_resumes_where_it_was(watching: ListWatch) -> None:
    with pytest.raises(ClusterUnavailable) as told:
        list(watching.line({"type": "ERROR", "object": {"code": 500, "message": "etcd"}}))
    watching.failed(told.value)
    assert watching.request().query["resourceVersion"] == "10"


@pytest.mark.parametrize("error", [ClusterUnavailable("cut"), Forbidden("no", 403)])
def test_a_cut_line_is_resumed_where_it_was_after_a_pause(watching: ListWatch, error: ClusterUnavailable) -> None:
    list(watching.line(event("ADDED", "c", "11")))
    watching.failed(error)
    assert watching.pause > 0
    assert watching.restarts == 1
    assert watching.request().query["resourceVersion"] == "11"


def test_backoff_is_bounded_and_reset_by_one_event(watching: ListWatch) -> None:
    for _ in range(40):
        watching.failed(ClusterUnavailable("down"))
    assert watching.pause == LONGEST_PAUSE
    list(watching.line(event("ADDED", "c", "11")))
    assert watching.pause == 0.0
    watching.failed(ClusterUnavailable("down"))
    assert watching.pause == FIRST_PAUSE


def test_a_server_that_names_a_pause_is_given_it(watching: ListWatch) -> None:
    watching.failed(ClusterUnavailable("busy", 429, pause=17))
    assert watching.pause == 17


def test_replicas_that_fail_together_do_not_come_back_together() -> None:
    pauses = set()
    for jitter in (0.0, 0.5, 0.9):
        machine = ListWatch({}, lambda jitter=jitter: jitter)  # type: ignore[misc]
        machine.failed(ClusterUnavailable("down"))
        pauses.add(machine.pause)
    assert len(pauses) == 3


def test_pages_and_lines_of_any_shape_are_survived(watching: ListWatch) -> None:
    odds: tuple[dict[str, Any], ...] = ({}, {"items": None}, {"items": [None, 3, {}]}, {"metadata": []})
    for odd in odds:
        list(watching.page(odd))
    assert list(watching.line({"type": "ADDED", "object": None})) == [ObjectUpserted({})]
