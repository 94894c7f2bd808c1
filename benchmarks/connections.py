"""Reviews while other connections are open that nobody reviews over: the 99th percentile with them to that without.

Both in turns in one run; MTLS_GUARD_BENCH_ROUNDS shortens it (default 5, about 12 s each).
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

from benchmarks.client import Connection
from benchmarks.crowd import IDLE, KEPT, PARTIAL, SILENT, STALLED, crowd
from benchmarks.row import Row
from benchmarks.worked import manifest
from examples import material
from examples.apiserver import Webhook, review, webhook
from examples.demo import WORKED

ALL = {IDLE: 1000, SILENT: 1000, STALLED: 200, PARTIAL: 200}
CROWDS: Mapping[str, Mapping[str, int]] = {
    **{f"{count} connections, {state}": {state: count} for state, count in ALL.items()},
    "all of these": ALL,
    "1100 idle keep-alive connections": {KEPT: 1100},
}
ROUNDS = int(os.environ.get("MTLS_GUARD_BENCH_ROUNDS", "5"))
REVIEWS, PEERS = 1000, 5


@dataclass(slots=True)
class Percentiles:
    """Of each round, in milliseconds: without a crowd, and with it."""

    without: list[float] = field(default_factory=list)
    within: list[float] = field(default_factory=list)


def rows() -> Iterator[Row]:
    """A row for each crowd."""
    with tempfile.TemporaryDirectory(prefix="mtls-guard-bench-") as name:
        folder = Path(name)
        material.write_webhook(folder, datetime.now(UTC))
        with webhook(folder, WORKED) as server:
            body = json.dumps(review("CREATE", manifest("Deployment"))).encode()
            connection = Connection(server.port, folder / "ca.crt")
            _percentile(connection, body)
            for what, counts in CROWDS.items():
                yield from _told(what, _in_turns(server, connection, body, counts))


def _in_turns(server: Webhook, connection: Connection, body: bytes, counts: Mapping[str, int]) -> Percentiles:
    found = Percentiles()
    for _ in range(ROUNDS):
        found.without.append(_percentile(connection, body))
        with crowd(server.port, server.folder / "ca.crt", counts, PEERS):
            found.within.append(_percentile(connection, body))
        found.without.append(_percentile(connection, body))
    return found


def _told(what: str, found: Percentiles) -> Iterator[Row]:
    """The ratio of each round to the median of what came before and after it."""
    pairs = zip(found.without[::2], found.without[1::2], found.within, strict=True)
    ratio = median(within / ((before + after) / 2) for before, after, within in pairs)
    yield Row(f"99th percentile of a review beside {what}, to that without", ratio, "x", 1.5, robust=True)
    yield Row("without", median(found.without), "ms")
    yield Row("with", median(found.within), "ms")


def _percentile(connection: Connection, body: bytes) -> float:
    """The 99th percentile of some reviews, in milliseconds."""
    return quantiles((_milliseconds(connection, body) for _ in range(REVIEWS)), n=100)[98]


def _milliseconds(connection: Connection, body: bytes) -> float:
    start = perf_counter()
    connection.post(body)
    return (perf_counter() - start) * 1000
