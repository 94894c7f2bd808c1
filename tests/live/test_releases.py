"""Releases of every shape, brought by real Helm and kubectl and with the calls of Flux and Argo CD: none is stopped.

`docs/releases.md` shows the table of what is tried here.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.waiting import until
from tests.live.guard import Guard
from tests.live.release_tools import RELEASES, Outcome, Place, definition
from tests.releases import SHAPES, Call, Object, namespace, written_by_controllers
from webhook.kinds.producer import KINDS

pytestmark = pytest.mark.slow

EARLIER = Call("earlier", "one", directory="/etc/earlier")
"""What a release consists of before its first upgrade."""
TOOLS = [name for name in RELEASES if name != "kubectl"]
RULE = re.compile(r"\[([a-z-]+)\]$", re.MULTILINE)
"""The id at the end of a warning."""
ENTRIES = {"apps": ["deployments"], "networking.istio.io": ["destinationrules", "serviceentries", "virtualservices"]}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server with the kinds of Istio and of every producer, which asks about workloads and objects of Istio."""
    with control_plane() as cluster:
        cluster.apply_istio_crds()
        kinds = [definition(one.group, one.kind, one.resource, namespaced=one.namespaced) for one in KINDS]
        cluster.apply(*kinds)
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        guard = Guard(cluster)
        until(lambda: guard.ask("/readyz")[0] == 200, "it has seen the cluster", 60)
        entry = guard.entry()
        rule = entry["webhooks"][0]["rules"][-1]
        entry["webhooks"][0]["rules"][-1] = {**rule, "resources": ENTRIES["networking.istio.io"]}
        cluster.apply(entry)
        until(lambda: _is_asked(cluster), "the API server asks it", 60)
        yield cluster


def _is_asked(plane: ControlPlane) -> bool:
    """Whether a Deployment without its Secret is denied."""
    plane.apply(namespace("probe"))
    call = Call("probe", "probe")
    said = plane.kubectl("apply", "-f", "-", stdin=json.dumps(call.workload()), check=False)
    return "[secret-missing]" in said.stderr


def team_of(name: str) -> str:
    """A namespace of its own for each test."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")[-60:].strip("-")


def in_team(calls: Sequence[Call], team: str) -> list[Call]:
    """The same calls in this namespace."""
    return [replace(one, team=team) for one in calls]


def objects_of(calls: Sequence[Call]) -> list[Object]:
    """What is in the release, the workloads first, as files sorted by their names would have it."""
    return sorted((one for call in calls for one in call.objects()), key=lambda one: one["kind"] != "Deployment")


def is_there(plane: ControlPlane, objects: Sequence[Object], team: str) -> None:
    """Every object of the release exists."""
    plane.kubectl("get", "-n", team, *sorted({f"{one['kind']}/{one['metadata']['name']}" for one in objects}))


def works_in_the_end(plane: ControlPlane, calls: Sequence[Call]) -> None:
    """Once controllers have made the Secrets, nothing is said of another workload of the same kind.

    But that a DestinationRule of another workload of its namespace applies to it, too.
    """
    secrets = list(written_by_controllers(calls, objects_of(calls)))
    if secrets:
        plane.apply(*secrets)
    for call in calls:
        made = call.workload()
        made = {**made, "metadata": {**made["metadata"], "name": f"{call.name}-again"}}
        said = plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(made))
        assert set(RULE.findall(said.stderr)) <= {"sidecar-unprepared"}, said.stderr


def succeeds(outcome: Outcome) -> None:
    """The release went through."""
    assert outcome.good, outcome.said


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tool", TOOLS)
def test_a_first_install_and_an_upgrade_are_not_stopped(
    plane: ControlPlane, tmp_path: Path, tool: str, shape: str
) -> None:
    """An upgrade adds all of the shape to a release that works."""
    for step in ("install", "upgrade"):
        team = team_of(f"{tool}-{step}-{list(SHAPES).index(shape)}")
        plane.apply(namespace(team))
        calls = in_team(SHAPES[shape], team)
        if step == "upgrade":
            earlier = in_team([EARLIER], team)
            succeeds(RELEASES[tool](Place(plane, tmp_path, team), objects_of(earlier)))
            calls = [*earlier, *calls]
        succeeds(RELEASES[tool](Place(plane, tmp_path, team), objects_of(calls)))
        is_there(plane, objects_of(calls), team)
        works_in_the_end(plane, calls)


@pytest.mark.parametrize("shape", SHAPES)
def test_kubectl_needs_the_same_input_a_second_time_at_most(plane: ControlPlane, tmp_path: Path, shape: str) -> None:
    """Of a file in which the workload comes first; a dry run of it is never denied."""
    team = team_of(f"kubectl-{list(SHAPES).index(shape)}")
    plane.apply(namespace(team))
    calls = in_team(SHAPES[shape], team)
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(map(json.dumps, objects_of(calls))), encoding="utf-8")
    rehearsed = plane.kubectl("apply", "--dry-run=server", "-f", str(file))
    assert "denied" not in rehearsed.stderr
    first = RELEASES["kubectl"](Place(plane, tmp_path, team), objects_of(calls))
    if not first.good:
        assert "[secret-missing]" in first.said
        assert "apply the same input again if that contains it" in " ".join(first.said.split())
    succeeds(RELEASES["kubectl"](Place(plane, tmp_path, team), objects_of(calls)))
    is_there(plane, objects_of(calls), team)
    works_in_the_end(plane, calls)
