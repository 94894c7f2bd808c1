"""What /mutate adds to the creation of a Pod at a real API server with Istio's own injector and the chart, in turns.

The same Pod as a dry run: without an opt-in, with both annotations written by hand, and with an opt-in. Each turn has a
few of each, so that a machine that is busy for a while is so for all three. MTLS_GUARD_BENCH_MUTATE_TURNS (40).
"""

import json
import os
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any

from benchmarks.api import Api
from benchmarks.mutation import ANNOTATIONS, asking
from benchmarks.row import Row
from benchmarks.worked import SECRET, manifest, objects, secret
from prove.mesh import mesh
from rig.control_plane import ControlPlane, control_plane
from rig.installation import installed
from rig.waiting import until

TURNS, EACH = int(os.environ.get("MTLS_GUARD_BENCH_MUTATE_TURNS", "40")), 10
PLAIN, BY_HAND, OPTS_IN = "without an opt-in", "with both annotations by hand", "with an opt-in"
SETTLE_SECONDS = 120


def rows() -> Iterator[Row]:
    """The figures of each Pod, and the ratios."""
    with control_plane() as plane, mesh(plane), installed(plane, {"replicas": 1}):
        _put_worked(plane)
        pods = {PLAIN: _without(), BY_HAND: _by_hand(), OPTS_IN: asking()}
        _demand_files(plane, pods[OPTS_IN])
        times = _in_turns(Api(plane), pods)
    for name, held in times.items():
        yield Row(f"creation of a Pod {name}, median", median(held) * 1000, "ms")
        yield Row(f"creation of a Pod {name}, 99th percentile", _slow(held) * 1000, "ms")
    for name in (PLAIN, BY_HAND):
        ratio = median(times[OPTS_IN]) / median(times[name])
        yield Row(f"creation of a Pod {OPTS_IN} to one {name}, median", ratio, "x", robust=True)
        yield Row("the same, 99th percentile", _slow(times[OPTS_IN]) / _slow(times[name]), "x")
    added = (median(times[OPTS_IN]) - median(times[PLAIN])) * 1000
    yield Row("added by an opt-in, difference of the medians", added, "ms")


def _put_worked(plane: ControlPlane) -> None:
    """The worked example but for its Deployment, until Pods of its namespace can be created."""
    kept = [one for one in objects() if one["kind"] != "Deployment"]
    plane.apply(*sorted(kept, key=lambda one: str(one["kind"]) != "Namespace"), secret())
    asked = ("get", "serviceaccount", "default", "-n", "devel")
    until(lambda: plane.kubectl(*asked, check=False).returncode == 0, "it has a service account", SETTLE_SECONDS)


def _demand_files(plane: ControlPlane, pod: dict[str, Any]) -> None:
    """Waits until the Pod is created with its Secret, so that what is measured is a mutation."""
    tried = ("create", "--dry-run=server", "-o", "json", "-f", "-")
    until(lambda: SECRET in plane.kubectl(*tried, stdin=json.dumps(pod)).stdout.partition('"spec"')[2], "it has files")


def _without() -> dict[str, Any]:
    pod = asking()
    del pod["metadata"]["annotations"]["mtls-guard.io/client-secret"]
    return pod


def _by_hand() -> dict[str, Any]:
    pod = _without()
    written = manifest("Deployment")["spec"]["template"]["metadata"]["annotations"]
    pod["metadata"]["annotations"] |= {name: written[name] for name in ANNOTATIONS}
    return pod


def _in_turns(api: Api, pods: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    """The seconds of each, a few at a time in turns; the first of each turn is not counted."""
    times: dict[str, list[float]] = {name: [] for name in pods}
    for _ in range(TURNS):
        for name, pod in pods.items():
            api.dry_run(pod)
            times[name] += [api.dry_run(pod) for _ in range(EACH)]
    return times


def _slow(held: list[float]) -> float:
    return quantiles(held, n=100)[98]
