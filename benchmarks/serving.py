"""Reviews over TLS against one worker of the real server, in turns with a Flask handler that only echoes (`noop`)."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import monotonic, sleep

import psutil

from benchmarks.child import family_of, port_told, processor_seconds, program
from benchmarks.client import Connection, load
from benchmarks.cluster import Size, write
from benchmarks.row import Row
from benchmarks.worked import manifest, secret
from examples import material
from examples.apiserver import review
from examples.demo import WORKED

SIZE = Size.of(1000, 200)
CONNECTIONS = 4
ROUNDS, SECONDS = 9, 1.5
START_SECONDS = 60


@dataclass(slots=True)
class Contender:
    """A server under load. rates a second, costs in processor milliseconds, waits in milliseconds: one per round."""

    process: psutil.Process
    port: int
    path: str = "/validate"
    connections: list[Connection] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def connect(self, ca: Path, body: bytes) -> None:
        """Opens the connections, and sends a review over each: a server waits only seconds for the first."""
        self.connections = [Connection(self.port, ca, self.path) for _ in range(CONNECTIONS)]
        for one in self.connections:
            one.post(body)

    def round(self, body: bytes) -> None:
        """Sends reviews for a while."""
        before = processor_seconds(family_of(self.process))
        waited = load(self.connections, body, SECONDS)
        count = len(waited)
        self.waits.append(median(waited) * 1000)
        self.rates.append(count / SECONDS)
        self.costs.append((processor_seconds(family_of(self.process)) - before) / count * 1000)


def rows() -> Iterator[Row]:
    """Both servers' figures and their ratios."""
    body = json.dumps(review("CREATE", manifest("Deployment"))).encode()
    yield from _compared(*in_turns(body))


def in_turns(body: bytes, path: str = "/validate") -> tuple[Contender, Contender]:
    """The handler that only echoes and ours, under the same load in turns."""
    with tempfile.TemporaryDirectory(prefix="mtls-guard-bench-") as name:
        folder = _prepared(Path(name))
        with _served(folder, _echo(folder)) as echo, _served(folder, _ours(folder)) as ours:
            echo.path = ours.path = path
            for one in (echo, ours):
                one.connect(folder / "ca.crt", body)
            for _ in range(ROUNDS):
                echo.round(body)
                ours.round(body)
    return echo, ours


def _compared(echo: Contender, ours: Contender) -> Iterator[Row]:
    rate = median(one / other for one, other in zip(ours.rates, echo.rates, strict=True)) * 100
    cost = median(one / other for one, other in zip(ours.costs, echo.costs, strict=True))
    yield Row("reviews per second through gunicorn and TLS, to a handler that only echoes", rate, "%", 50, least=True)
    yield Row("processor time per review, to that handler's", cost, "x", 2, robust=True)
    yield Row("reviews per second, one worker", median(ours.rates), "")
    yield Row("processor time per review", median(ours.costs), "ms")
    yield Row("processor time of the handler that only echoes", median(echo.costs), "ms")


def _prepared(folder: Path) -> Path:
    """Certificates, and a cluster around the worked example."""
    material.write_webhook(folder, datetime.now(UTC))
    (folder / "cluster").mkdir()
    (folder / "cluster" / "secret.json").write_text(json.dumps(secret()), encoding="utf-8")
    write(folder / "cluster", SIZE)
    return folder


def _echo(folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.noop", str(folder / "tls.crt"), str(folder / "tls.key")]


def _ours(folder: Path) -> list[str]:
    tls = ["--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key")]
    cluster = ["--cluster", str(WORKED), "--cluster", str(folder / "cluster")]
    return [program(), "serve", "--bind", "127.0.0.1:0", "--log", "json", *tls, *cluster]


@contextmanager
def _served(folder: Path, command: list[str]) -> Iterator[Contender]:
    """The server that the command starts, with open connections to it."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as stream, subprocess.Popen(command, stderr=stream) as process:
        try:
            yield Contender(psutil.Process(process.pid), _port(process, log))
        finally:
            process.terminate()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the server says it listens on."""
    end = monotonic() + START_SECONDS
    while monotonic() < end and process.poll() is None:
        if port := port_told(log):
            return port
        sleep(0.02)
    raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8')}")
