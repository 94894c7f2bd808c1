"""Ten minutes in which more changes than in a busy hour: what the server holds must not grow."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from time import monotonic
from typing import Any

from benchmarks.api import Api
from benchmarks.client import Connection
from benchmarks.cluster import Size, deployment, destination_rule, manifests, pod, secrets, service_entry
from benchmarks.contender import Contender
from benchmarks.live import asked, started
from benchmarks.row import Row
from benchmarks.scale import in_sync
from examples import material
from rig.control_plane import control_plane
from rig.object_path import path_of
from rig.servers import Options
from rig.waiting import until

SIZE = Size(1000, 200, 200, 1000)
SECONDS, WARM_SECONDS = 600, 120
FIRST, ALIVE = 10_000, 100
MERGE_PATCH = "application/merge-patch+json"


def rows() -> Iterator[Row]:
    """Memory once everything was seen twice over, and at the end."""
    with control_plane(Options(controllers=False)) as plane:
        plane.apply_istio_crds()
        api = Api(plane)
        api.fill([*manifests(SIZE), *(pod(number, SIZE.rules) for number in range(SIZE.workloads))])
        material.write_webhook(plane.folder, datetime.now(UTC))
        ours = started(plane, "ours")
        until(lambda: in_sync(ours), "our view is in sync", 120)
        numbers = count()
        warm = _churned(api, ours, numbers, WARM_SECONDS)
        end = _churned(api, ours, numbers, SECONDS - WARM_SECONDS)
        changes = next(numbers) * len(_of(0)) * 2
        yield Row(f"memory after {WARM_SECONDS} s of churn", warm, "MiB")
        yield Row(f"memory after {SECONDS} s and {changes} changes", end, "MiB")
        yield Row("growth between the two", (end / warm - 1) * 100, "%", 5, robust=True)


def _churned(api: Api, ours: Contender, numbers: Iterator[int], seconds: float) -> float:
    """Creates, changes, judges and deletes for so long; the memory in the end."""
    connection, end = Connection(ours.port, ours.folder / "ca.crt"), monotonic() + seconds
    while monotonic() < end:
        number = FIRST + next(numbers)
        for one in _of(number):
            api.create(one)
        rule = destination_rule(number)
        changed = {"spec": {"trafficPolicy": {"connectionPool": {"http": {"maxRequestsPerConnection": number}}}}}
        api.ask("PATCH", path_of(rule, rule["metadata"]["name"]), changed, MERGE_PATCH)
        connection.post(asked(deployment(number, 10 * FIRST)))
        connection.post(asked(deployment(number % SIZE.workloads, SIZE.rules)))
        if number >= FIRST + ALIVE:
            for one in _of(number - ALIVE):
                api.ask("DELETE", path_of(one, one["metadata"]["name"]))
    return ours.memory_mib


def _of(number: int) -> list[dict[str, Any]]:
    """One more partner, and the workload that calls it."""
    made = next(secrets(1, 1))
    meta = {"name": f"shop-{number}-client", "namespace": deployment(number, 10 * FIRST)["metadata"]["namespace"]}
    rules = [service_entry(number), destination_rule(number)]
    return [*rules, {**made, "metadata": meta}, deployment(number, 10 * FIRST), pod(number, 10 * FIRST)]
