"""How the matrix of injection reads a finished Pod and what was said, and how its page shows it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from prove.injection import page
from prove.injection.cells import CHANGES, CREATE, KINDS, MODES, OTHERS, PLACES, Cell, State, cells
from prove.injection.client import Reply
from prove.injection.finished import files, lost
from prove.injection.objects import annotations, workload
from prove.injection.other import changed
from prove.injection.results import Answer, Result, answers
from prove.injection.selection import SELECTED
from prove.injection.traffic import CELLS, expected
from prove.outcome import Kind, Outcome
from prove.over_time import Story

SINCE = datetime(2026, 11, 30, 12, tzinfo=UTC)
CELL = Cell("Pods", "none", CREATE, "Deployment")
ASKED = {f"/etc/c/{key}": ("one", key) for key in ("cert", "key", "cacert")}


def pod(volumes: list[Any], mounts: list[Any], place: str = "initContainers") -> Any:
    """A Pod whose sidecar, in that list of containers, has these mounts."""
    spec = {"containers": [{"name": "app"}], "volumes": volumes}
    spec[place] = [*spec.get(place, []), {"name": "istio-proxy", "volumeMounts": mounts}]
    return {"kind": "Pod", "metadata": {"name": "app", "namespace": CELL.team}, "spec": spec}


def event(message: str, when: str = "2026-11-30T12:00:01Z") -> Any:
    return {"metadata": {"namespace": CELL.team}, "message": message, "lastTimestamp": when}


@pytest.mark.parametrize("place", ["initContainers", "containers"])
def test_a_whole_secret_has_every_file(place: str) -> None:
    """In a native sidecar, and in one that is a container among others."""
    made = pod([{"name": "v", "secret": {"secretName": "one"}}], [{"name": "v", "mountPath": "/etc/c"}], place)
    assert files(made) == ASKED


def test_items_projections_and_sub_paths_give_named_files() -> None:
    items = [{"key": "cert", "path": "client.pem"}]
    volumes = [
        {"name": "items", "secret": {"secretName": "one", "items": items}},
        {
            "name": "projected",
            "projected": {"sources": [{"secret": {"name": "two", "items": items}}, {"configMap": {}}]},
        },
        {"name": "istio-token", "projected": {"sources": [{"serviceAccountToken": {"path": "istio-token"}}]}},
        {"name": "whole", "secret": {"secretName": "two"}},
    ]
    mounts = [
        {"name": "items", "mountPath": "/a"},
        {"name": "projected", "mountPath": "/b"},
        {"name": "istio-token", "mountPath": "/c"},
        {"name": "whole", "mountPath": "/d/key.pem", "subPath": "key"},
    ]
    expected = {"/a/client.pem": ("one", "cert"), "/b/client.pem": ("two", "cert"), "/d/key.pem": ("two", "key")}
    assert files(pod(volumes, mounts)) == expected


def test_a_mount_of_the_application_is_none_of_the_sidecar() -> None:
    made = pod([{"name": "v", "secret": {"secretName": "one"}}], [])
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/etc/c"}]
    assert files(made) == {}


def test_a_claim_that_another_volume_replaced_is_lost() -> None:
    stateful = Cell("Pods", "none", CREATE, "StatefulSet")
    assert lost(stateful, pod([{"name": "one", "secret": {"secretName": "one"}}], [])) == 'the volume claim "one"'
    assert lost(stateful, pod([{"name": "one", "persistentVolumeClaim": {"claimName": "one-app-0"}}], [])) == ""


def test_volume_changed_by_other_webhook_is_lost() -> None:
    beside = Cell("Pods", "after, adds a volume", CREATE, "Deployment")
    made = pod([{"name": "one", "secret": {"secretName": "one"}}], [])
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "one", "mountPath": "/var/company"}]
    assert lost(beside, made) == "the volume of the other webhook"
    made["spec"]["volumes"] = [{"name": "one", "emptyDir": {}}]
    assert lost(beside, made) == ""


def test_cell_with_wrong_files_and_no_answer_is_silent() -> None:
    right = pod([{"name": "v", "secret": {"secretName": "one"}}], [{"name": "v", "mountPath": "/etc/c"}])
    assert (str(Result(CELL, State(), right, ())), Result(CELL, State(), right, ()).silent) == ("files", False)
    wrong = Result(CELL, State(secret="two"), right, ())
    assert (str(wrong), wrong.silent) == ("SILENT: has /etc/c from one, asked for /etc/c from two", True)
    told = Result(CELL, State(secret="two"), right, (Answer("check", ("pod-outdated", "destinationrule-unused")),))
    assert (str(told), told.silent) == ("check: `pod-outdated`", False)


def test_missing_files_do_not_explain_extra_files() -> None:
    kept = pod([{"name": "v", "secret": {"secretName": "one"}}], [{"name": "v", "mountPath": "/etc/c"}])
    missing = (Answer("warned", ("sidecar-unprepared",)),)
    assert Result(CELL, State(inject="false"), kept, missing).silent
    assert not Result(CELL, State(), pod([], []), missing).silent


def test_an_event_is_an_answer_only_where_there_is_no_pod() -> None:
    said = (Answer("Event", ("it waits",)),)
    assert not Result(CELL, State(), None, said).silent
    assert Result(CELL, State(), pod([], []), said).silent


def test_answers_belong_to_the_cell_since_its_change() -> None:
    replies = [
        Reply(200, ('299 - "Pod a/b: lacks files [sidecar-unprepared]"', '299 - "unknown field [x]"'), {}),
        Reply(403, (), {"message": "denied the request: no such Secret [secret-missing] of a list [0]"}),
    ]
    events = [event("older", "2026-11-30T11:59:59Z"), event('Pod "app" is invalid: ' + "x" * 100)]
    found = [{"object": {"namespace": CELL.team}, "findings": [{"rule": "pod-outdated", "problem": "p", "fix": "f"}]}]
    made = answers(CELL, replies, events, [*found, {"object": {"namespace": "else"}, "findings": []}], SINCE)
    assert [str(one) for one in made] == [
        "denied: `secret-missing`",
        "warned: `sidecar-unprepared`",
        f"Event: ...{'x' * 60}",
        "check: `pod-outdated`",
    ]


def test_every_cell_has_a_valid_namespace() -> None:
    teams = [one.team for one in cells([], [], [], [])]
    assert len(teams) == len(set(teams)) == len(KINDS) * len(MODES) * len(OTHERS) * len(CHANGES)
    assert max(map(len, teams)) < 63


def test_the_other_webhook_opts_in_by_what_the_workload_says() -> None:
    """So that the opt-in can change, and a workload can opt out, there too."""
    cell = Cell("Pods", "before, opts in", CREATE, "Pod")
    for state, opt_in in ((State(), {"mtls-guard.io/client-secret": "one"}), (State(secret=""), {})):
        made = workload(cell, state)
        changed(made, "opts in")
        found = made["metadata"]["annotations"]
        assert {key: value for key, value in found.items() if key.startswith("mtls-guard.io/")} == opt_in
    assert annotations(cell, State(inject="false")) == {"matrix.example/wants": "one", "mtls-guard.io/inject": "false"}


def test_the_page_says_every_cell_and_is_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Other webhooks with which all kinds fare alike share a row."""
    claim, empty = {"name": "one", "persistentVolumeClaim": {}}, {"name": "e", "emptyDir": {}}
    volumes = [claim, empty, {"name": "v", "secret": {"secretName": "one"}}]
    right = pod(volumes, [{"name": "v", "mountPath": "/etc/c"}])
    right["spec"]["containers"][0]["volumeMounts"] = [{"name": "e", "mountPath": "/var/company"}]
    results = [
        Result(one, State(), None if (one.kind, one.other) == ("Job", "after, drops") else right, ())
        for one in cells([], [], [], ["created"])
    ]
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    call = Story("a | b | c | created | files", (Outcome(Kind.WORKS, "CN=one"),), ("works",))
    page.write(results, [call], SINCE.date())
    text = page.PAGE.read_text(encoding="utf-8")
    assert "182 of 1274 cells: 180 with the files that they ask for, 0 say why not, 2 silent." in " ".join(text.split())
    assert text.count("| files | files | files | files | files | files | files |") == len(MODES)
    assert text.endswith("| a | b | c | created | files | works over mTLS as CN=one |\n")
    read = page.read()
    assert len(read) == len(results)
    assert read["Job", "Pods", "after, drops", "created"] == "SILENT: no Pod"


def test_a_call_must_come_out_as_the_files_of_its_pod_say() -> None:
    right = pod([{"name": "v", "secret": {"secretName": "two"}}], [{"name": "v", "mountPath": "/etc/c"}])
    assert expected(Result(CELL, State(), right, ())) == "works over mTLS as O=Example,CN=two"
    assert expected(Result(CELL, State(folder="/etc/d"), right, ())) == "fails"
    assert expected(Result(CELL, State(), None, ())) == "the Pod does not start"


def test_at_least_ten_cells_are_called_in_both_modes() -> None:
    assert len(set(CELLS) & {*cells([], [], [], [])}) == len(CELLS) >= 10
    assert {one.mode for one in CELLS} == {*MODES}


def test_tested_cells_cover_each_kind_mode_and_change() -> None:
    assert {one.kind for one in SELECTED} == {*KINDS}
    assert {one.mode for one in SELECTED} == {*MODES}
    assert {one.change for one in SELECTED} == {*CHANGES}
    assert {one.place for one in SELECTED} == {"", *PLACES}
