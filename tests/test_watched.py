"""What `serve --metrics` shows of connections, on a port that no client can hold up."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import psutil
import pytest

from benchmarks.crowd import SILENT, STALLED, allow_files, crowd
from examples import material
from examples.apiserver import review
from examples.demo import WORKED
from rig.ports import free_port
from rig.waiting import until
from webhook.serving.wsgi_environ import ARRIVED as NOTED
from webhook.web.request_body import ARRIVED

pytestmark = pytest.mark.slow

SERVE = [sys.executable, "-c", "from webhook.cli.serve import command; command()"]
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "project"}, "spec": {}}
SILENT_CLIENTS = 1500


@dataclass(frozen=True, slots=True)
class Server:
    """A server with metrics."""

    folder: Path
    port: int
    metrics_port: int
    process: psutil.Process

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels."""
        connection = HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return {name: float(value) for name, value in re.findall(r"^([^# ].*) (\S+)$", text, re.MULTILINE)}

    def ask(self) -> int:
        """The status of one review."""
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        connection = HTTPSConnection("localhost", self.port, context=context, timeout=30)
        connection.request("POST", "/validate", json.dumps(review("CREATE", POD)), {"Content-Type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        return status

    def threads(self) -> int:
        """Of all its processes."""
        return sum(one.num_threads() for one in [self.process, *self.process.children()])


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[Server]:
    """A server on the worked example."""
    material.write_webhook(folder, datetime.now(UTC))
    port = free_port()
    files = ["--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key"), "--cluster", str(WORKED)]
    command = [*SERVE, *files, "--bind", "127.0.0.1:0", "--log", "json", "--metrics", f"127.0.0.1:{port}", *flags]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            lines = until(lambda: (folder / "log").read_text().splitlines(), "it serves")
            told = json.loads(lines[0])
            yield Server(folder, int(told["url"].split(":")[2].split("/")[0]), port, psutil.Process(process.pid))
        finally:
            process.kill()


def test_open_connections_reviews_and_handshakes_are_shown(tmp_path: Path) -> None:
    with serving(tmp_path) as server, crowd(server.port, tmp_path / "ca.crt", {SILENT: 3, STALLED: 2}):
        assert server.ask() == 200
        until(lambda: server.metrics()['mtls_guard_connection_open{state="handshake"}'] == 5, "five handshakes")
        closed = 'mtls_guard_connection_closed_total{reason="client"}'
        until(lambda: server.metrics().get(closed) == 1, "the client of the review has gone")
        found = server.metrics()
    assert found["mtls_guard_connection_handshake_seconds_count"] == 1
    assert found["mtls_guard_request_wait_seconds_count"] >= 1
    assert found["mtls_guard_request_waiting"] == 0


def test_review_time_includes_time_before_reading(tmp_path: Path) -> None:
    """The server is stopped for a second: the review that was sent meanwhile has waited, in metrics and log, too."""
    with serving(tmp_path) as server, ExitStack() as stack:
        context = ssl.create_default_context(cafile=tmp_path / "ca.crt")
        connection = HTTPSConnection("localhost", server.port, context=context, timeout=30)
        stack.callback(connection.close)
        connection.connect()
        (worker,) = server.process.children()
        worker.send_signal(signal.SIGSTOP)
        connection.request("POST", "/validate", json.dumps(review("CREATE", POD)), {"Content-Type": "application/json"})
        time.sleep(1)
        worker.send_signal(signal.SIGCONT)
        assert connection.getresponse().read()
        name = 'mtls_guard_admission_review_duration_seconds_sum{path="validate",verdict="allow"}'
        assert until(lambda: server.metrics().get(name), "it is counted") > 0.9
        lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
        (line,) = [line for line in lines if line["message"] == "review answered"]
        assert line["milliseconds"] > 900


def test_silent_metrics_clients_do_not_block_metrics(tmp_path: Path) -> None:
    """prometheus_client's own server has a thread for each: 1,503 for these."""
    with serving(tmp_path) as server, ExitStack() as stack:
        allow_files(SILENT_CLIENTS)
        assert server.metrics()
        before = server.threads()
        for number in range(SILENT_CLIENTS):
            source = (f"127.0.2.{number % 200 + 1}", 0)
            stack.enter_context(socket.create_connection(("127.0.0.1", server.metrics_port), 30, source))
        assert server.metrics()["mtls_guard_request_waiting"] == 0
        assert server.threads() == before
        assert server.ask() == 200


def test_a_port_of_metrics_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    material.write_webhook(tmp_path, datetime.now(UTC))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        files = ["--cert", str(tmp_path / "tls.crt"), "--key", str(tmp_path / "tls.key"), "--cluster", str(WORKED)]
        command = [*SERVE, *files, "--bind", "127.0.0.1:0", "--metrics", address]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ)
    assert (ended.returncode, ended.stderr) == (
        2,
        f"mtls-guard serve: cannot listen on {address}: Address already in use\n",
    )


def test_the_limits_of_connections_are_settings(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--connections", "16", "--peer-connections", "8") as server,
        crowd(server.port, tmp_path / "ca.crt", {SILENT: 20}),
    ):
        until(
            lambda: server.metrics().get('mtls_guard_connection_closed_total{reason="peer limit"}') == 12, "12 closed"
        )
        assert server.ask() == 200


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.ask() == 200
        (worker,) = server.process.children()
        worker.kill()
        until(lambda: [one for one in server.process.children() if one.pid != worker.pid], "another one")
        assert server.ask() == 200
        assert server.metrics()["mtls_guard_request_waiting"] == 0


def test_web_and_server_agree_on_arrival_time() -> None:
    """They do not know each other."""
    assert ARRIVED == NOTED
