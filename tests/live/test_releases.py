"""Releases brought by the real Helm and kubectl and with the calls of Flux and Argo CD: none is stopped.

Ten cells, in which each tool and each way to a certificate occurs, and moves of mounts and DestinationRules. All of
every shape, tool and step, with the code of Flux, Argo CD and cert-manager, is `python -m prove.releases`, which writes
the tables of `docs/releases.md`; every order of every shape, without an API server, is `tests/test_release_order.py`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from prove.releases.matrix import KINDS, tried
from prove.releases.moves import moved
from prove.releases.shapes import SHAPES, Call, Worked, namespace
from prove.releases.stage import serve_producers
from prove.releases.tools import Place, Tool
from rig.control_plane import ControlPlane, control_plane
from rig.waiting import until
from tests.live.guard import Guard
from tests.live.helm import injecting, render
from tests.live.mesh_objects import Object
from tests.live.release_tools import PLAYED

pytestmark = pytest.mark.slow

WORKED = next(iter(SHAPES))
KUBECTL, HELM, HELM_WITH_ROLLBACK, FLUX, ARGOCD, ARGOCD_SERVER_SIDE = PLAYED
INSTALLS = {
    "ExternalSecret": KUBECTL,
    "Certificate": FLUX,
    "credentialName, Certificate": HELM_WITH_ROLLBACK,
    "TLS port and VirtualService, Certificate": ARGOCD_SERVER_SIDE,
    "two workloads, injection and files": ARGOCD,
}
"""First installs: each way to a certificate, each form, and two workloads at a time."""
ASKED = ["destinationrules", "serviceentries", "virtualservices"]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server with the kinds of Istio and of every producer, which asks about workloads and objects of Istio."""
    with control_plane() as cluster:
        cluster.apply_istio_crds()
        serve_producers(cluster)
        guard = Guard(cluster)
        until(lambda: guard.ask("/readyz")[0] == 200, "it has seen the cluster", 60)
        entry = guard.entry()
        rule = entry["webhooks"][0]["rules"][-1]
        entry["webhooks"][0]["rules"][-1] = {**rule, "resources": ASKED}
        cluster.apply(entry, injection(entry), namespace("probe"), *Worked().namespaces())
        until(lambda: _is_asked(cluster), "the API server asks it", 60)
        yield cluster


def injection(entry: Object) -> Object:
    """The chart's entries for injection, so that it counts as installed; nobody makes a Pod here."""
    found = injecting(render())
    for one in found["webhooks"]:
        one["clientConfig"]["caBundle"] = entry["webhooks"][0]["clientConfig"]["caBundle"]
        one["failurePolicy"] = "Ignore"
    return found


def _is_asked(plane: ControlPlane) -> bool:
    """Whether a Deployment without its Secret is denied."""
    workload = json.dumps(Call("probe", "probe").workload())
    return "[secret-missing]" in plane.kubectl("apply", "-f", "-", stdin=workload, check=False).stderr


def named(tool: Tool) -> str:
    """How a test is called."""
    return tool.name


@pytest.mark.parametrize("tool", [HELM, FLUX, ARGOCD], ids=named)
def test_a_tool_upgrades_a_release_to_the_worked_example(plane: ControlPlane, tmp_path: Path, tool: Tool) -> None:
    """Which is in two namespaces; a workload that works is in the release before."""
    found = tried(Place(plane, tmp_path, Worked().team), WORKED, tool, "upgrade")
    for one in Worked().namespaces():
        plane.kubectl("delete", KINDS, "--all", "-n", one["metadata"]["name"])
    assert list(found.faults()) == []


@pytest.mark.parametrize(("shape", "tool"), INSTALLS.items())
def test_a_first_install_is_not_stopped(plane: ControlPlane, tmp_path: Path, shape: str, tool: Tool) -> None:
    """Kubectl may need the same input a second time, and its dry run is never denied."""
    team = f"install-{[*INSTALLS].index(shape)}"
    plane.apply(namespace(team))
    assert list(tried(Place(plane, tmp_path, team), shape, tool, "install").faults()) == []


@pytest.mark.parametrize(("tool", "hosts"), [(KUBECTL, 1), (HELM_WITH_ROLLBACK, 2)])
def test_denied_move_has_an_admitted_alternative(plane: ControlPlane, tmp_path: Path, tool: Tool, hosts: int) -> None:
    """A workload with one external host, and with two; Helm takes back what was denied."""
    found = moved(Place(plane, tmp_path, f"move-{PLAYED.index(tool)}"), tool, hosts)
    assert list(found.faults()) == []
