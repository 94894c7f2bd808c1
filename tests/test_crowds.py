"""The real server while other connections are open that nobody reviews over: none of them holds anything up."""

import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPSConnection

import psutil
import pytest

from benchmarks.crowd import IDLE, KEPT, PARTIAL, SILENT, STALLED, crowd
from examples import material
from examples.apiserver import Webhook, review, webhook
from examples.demo import WORKED

pytestmark = pytest.mark.slow

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "project"}, "spec": {}}
ALL = {IDLE: 1000, SILENT: 1000, STALLED: 200, PARTIAL: 200}
REVIEWS, REVIEW_SECONDS = 20, 5.0
"""Generous: with the threads of gunicorn's worker four connections were enough for 8 to 10 s."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """A webhook on the worked example."""
    folder = tmp_path_factory.mktemp("webhook")
    material.write_webhook(folder, datetime.now(UTC))
    with webhook(folder, WORKED) as running:
        yield running


def connect(server: Webhook) -> HTTPSConnection:
    """A client as the API server is one, from an address of its own."""
    context = ssl.create_default_context(cafile=server.folder / "ca.crt")
    source = ("127.0.9.9", 0)
    connection = HTTPSConnection("localhost", server.port, context=context, timeout=30, source_address=source)
    connection.connect()
    return connection


def ask(connection: HTTPSConnection) -> bool:
    """One review; whether it was allowed."""
    made = review("CREATE", POD)
    connection.request("POST", "/validate?timeout=10s", json.dumps(made), {"Content-Type": "application/json"})
    return bool(json.loads(connection.getresponse().read())["response"]["allowed"])


def slowest(server: Webhook) -> float:
    """The longest of some reviews in seconds, half of them on a connection of their own."""
    kept, times = connect(server), []
    for number in range(REVIEWS):
        start = time.perf_counter()
        connection = kept if number % 2 else connect(server)
        assert ask(connection)
        times.append(time.perf_counter() - start)
        if connection is not kept:
            connection.close()
    kept.close()
    return max(times)


@pytest.mark.parametrize("counts", [*({state: count} for state, count in ALL.items()), ALL], ids=", ".join)
def test_reviews_are_answered_while_other_connections_are_open(server: Webhook, counts: Mapping[str, int]) -> None:
    with crowd(server.port, server.folder / "ca.crt", counts, peers=5):
        assert slowest(server) < REVIEW_SECONDS


def test_idle_keep_alive_connections_do_not_block_others(server: Webhook) -> None:
    """More than the limit of gunicorn's own workers, 1,000."""
    with crowd(server.port, server.folder / "ca.crt", {KEPT: 1100}, peers=5):
        assert slowest(server) < REVIEW_SECONDS


def test_clients_that_are_silent_or_go_leave_no_error_in_the_log(server: Webhook) -> None:
    with crowd(server.port, server.folder / "ca.crt", dict.fromkeys((*ALL, KEPT), 20)):
        assert slowest(server) < REVIEW_SECONDS
    with crowd(server.port, server.folder / "ca.crt", {IDLE: 4}):
        time.sleep(11)  # longer than a handshake or a header may take
    lines = [json.loads(line) for line in (server.folder / "log").read_text().splitlines()]
    assert [line for line in lines if line["level"] in ("error", "critical")] == []


def test_an_idle_connection_costs_memory_only(server: Webhook) -> None:
    """No thread, no file but its own, and few KiB."""
    worker = next(one for one in psutil.Process(os.getpid()).children(recursive=True) if listens(one, server.port))
    before = (worker.num_threads(), worker.memory_info().rss)
    with crowd(server.port, server.folder / "ca.crt", {IDLE: 1000}, peers=5):
        assert worker.num_threads() == before[0]
        assert worker.memory_info().rss - before[1] < 100 * 1024 * 1000


def listens(process: psutil.Process, port: int) -> bool:
    """Whether it is the worker of the server: it has threads for reviews."""
    return process.num_threads() > 3 and any(one.laddr.port == port for one in process.net_connections("tcp"))
