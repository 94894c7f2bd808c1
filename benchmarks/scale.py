"""How soon the server is ready on a large cluster, and what it holds then."""

from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from benchmarks.api import Api
from benchmarks.cluster import Size, manifests, pod
from benchmarks.contender import Contender
from benchmarks.live import started
from benchmarks.row import Row
from examples import material
from rig.control_plane import control_plane
from rig.servers import Options
from rig.waiting import until

SIZE = Size(10_000, 2000, 2000, 0)


def rows() -> Iterator[Row]:
    """Both figures, of one start."""
    with control_plane(Options(controllers=False)) as plane:
        plane.apply_istio_crds()
        Api(plane).fill([*manifests(SIZE), *(pod(number, SIZE.rules) for number in range(SIZE.workloads))])
        material.write_webhook(plane.folder, datetime.now(UTC))
        start = perf_counter()
        ours = started(plane, "ours")
        until(lambda: in_sync(ours), "our view is in sync", 120)
        took = perf_counter() - start
        what = f"{SIZE.workloads} workloads, {SIZE.workloads} Pods, {SIZE.rules} DestinationRules"
        yield Row(f"from start to ready on a cluster with {what}", took, "s", 10)
        yield Row("processor time until then", ours.processor_seconds, "s")
        yield Row("memory of the container then", ours.memory_mib, "MiB", 200, robust=True)


def in_sync(ours: Contender) -> dict[str, Any] | bool:
    """Whether it has said that it shows everything."""
    return '"message":"in sync"' in ours.child.log.read_text(encoding="utf-8")
