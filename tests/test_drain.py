"""The real server while its certificate changes and while it goes away: no connection is dropped, none is kept."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest

from certs.encode import cert_der, cert_pem, key_pem
from certs.issue import Dates, Issued, make_ca, make_leaf
from examples.apiserver import review
from examples.demo import WORKED
from examples.material import WEBHOOK

pytestmark = pytest.mark.slow

SERVE = [sys.executable, "-c", "from webhook.cli.serve import command; command()"]
TOP = Path(__file__).parent.parent
DATES = Dates.around(datetime.now(UTC))
CA = make_ca(DATES)
PATIENCE_SECONDS = 30
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "project"}, "spec": {}}


@dataclass
class Server:
    """A server that runs, and the file with its certificate and key."""

    port: int
    process: subprocess.Popen[str]
    pem: Path

    def connect(self) -> HTTPSConnection:
        """A client as the API server is one."""
        connection = HTTPSConnection(
            "localhost",
            self.port,
            context=ssl.create_default_context(cadata=cert_pem(CA).decode()),
            timeout=PATIENCE_SECONDS,
        )
        connection.connect()
        return connection

    def renew(self) -> Issued:
        """Puts another certificate in the place of the one that is served."""
        issued = make_leaf(CA, DATES, WEBHOOK)
        fresh = self.pem.with_suffix(".new")
        fresh.write_bytes(cert_pem(issued) + key_pem(issued))
        fresh.replace(self.pem)
        return issued

    def go(self) -> None:
        """What the kubelet does when the pod shall go."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[Server]:
    """A server with a certificate of its own."""
    pem = folder / "tls.pem"
    issued = make_leaf(CA, DATES, WEBHOOK)
    pem.write_bytes(cert_pem(issued) + key_pem(issued))
    command = [*SERVE, "--cluster", str(WORKED), "--cert", str(pem), "--key", str(pem), "--bind", "127.0.0.1:0", *flags]
    environ = {**os.environ, "MTLS_GUARD_LOG": "json"}
    with subprocess.Popen(command, cwd=TOP, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        told = json.loads(process.stderr.readline())
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield Server(int(told["url"].split(":")[2].split("/")[0]), process, pem)
        finally:
            process.kill()


def ask(connection: HTTPSConnection) -> HTTPResponse:
    """One review; its answer, read to the end, allows."""
    made = review("CREATE", POD)
    connection.request("POST", "/validate?timeout=10s", json.dumps(made), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert json.loads(answer.read())["response"] == {"uid": made["request"]["uid"], "allowed": True}
    return answer


def shown(connection: HTTPSConnection) -> bytes:
    """The certificate that the server showed in the handshake."""
    assert isinstance(connection.sock, ssl.SSLSocket)
    return connection.sock.getpeercert(binary_form=True) or b""


def closes(answer: HTTPResponse) -> bool:
    """Whether the server said that this was the last answer on its connection."""
    return answer.getheader("Connection") == "close"


def until(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def refused(port: int) -> bool:
    """Whether nobody listens any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


def test_renewed_certificate_drops_no_connection(tmp_path: Path) -> None:
    """Kept connections go on under the old certificate; each handshake after a renewal shows the new one."""
    with serving(tmp_path) as server:
        kept = server.connect()
        first, seen = shown(kept), []
        for _ in range(20):
            renewed = server.renew()
            ask(kept)
            fresh = server.connect()
            ask(fresh)
            seen.append(shown(fresh) == cert_der(renewed))
            fresh.close()
        assert (shown(kept), seen) == (first, [True] * 20)


def test_no_review_is_lost_while_certificate_changes(tmp_path: Path) -> None:
    """Four clients, each with new handshakes and reused connections, while the certificate is renewed fifty times."""
    failures: list[Exception] = []
    asked = [0] * 4
    ended = threading.Event()

    def load(number: int, server: Server) -> None:
        try:
            while not ended.is_set():
                connection = server.connect()
                for _ in range(3):
                    ask(connection)
                    asked[number] += 1
                connection.close()
        except (OSError, HTTPException, AssertionError) as error:
            failures.append(error)

    with serving(tmp_path) as server:
        threads = [threading.Thread(target=load, args=(number, server)) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            server.renew()
            before = sum(asked)
            until(lambda before=before: sum(asked) > before or bool(failures))  # type: ignore[misc]
        ended.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    assert failures == []


def test_draining_server_closes_each_answered_connection(tmp_path: Path) -> None:
    with serving(tmp_path, "--drain", "600") as server:
        kept = [server.connect() for _ in range(3)]
        assert [closes(ask(connection)) for connection in kept] == [False] * 3
        server.go()
        until(lambda: closes(ask(server.connect())))
        assert [closes(ask(connection)) for connection in kept] == [True] * 3
        assert [closes(ask(server.connect())) for _ in range(10)] == [True] * 10
        assert server.process.poll() is None


def test_review_at_sigterm_is_answered(tmp_path: Path) -> None:
    """Without draining, too: gunicorn decides at the start of a request whether its connection is kept."""
    for drain in ("0", "1"):
        with serving(tmp_path, "--drain", drain) as server:
            connection = server.connect()
            body = json.dumps(review("CREATE", POD)).encode()
            connection.putrequest("POST", "/validate?timeout=10s")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body[:10])
            idle = server.connect()
            ask(idle)
            server.go()
            until(lambda idle=idle, server=server: gone(idle, server))  # type: ignore[misc]
            connection.send(body[10:])
            answer = connection.getresponse()
            assert (json.loads(answer.read())["response"]["allowed"], closes(answer)) == (True, True)
            assert server.process.wait(PATIENCE_SECONDS) == 0
            assert refused(server.port)


def test_kept_connection_carries_a_last_review(tmp_path: Path) -> None:
    """The API server may use it for 90 s: closing it meanwhile would lose the review that is on its way."""
    with serving(tmp_path, "--drain", "1", "--linger", "600") as server:
        kept, unused = server.connect(), server.connect()
        ask(kept)
        server.go()
        until(lambda: refused(server.port))
        assert [closes(ask(connection)) for connection in (kept, unused)] == [True, True]
        assert server.process.wait(PATIENCE_SECONDS) == 0


def gone(idle: HTTPSConnection, server: Server) -> bool:
    """Whether the server has begun to leave."""
    try:
        ask(idle if idle.sock else server.connect())
    except (OSError, HTTPException):
        return True
    return idle.sock is None


def test_it_ends_when_the_draining_has_ended(tmp_path: Path) -> None:
    with serving(tmp_path, "--drain", "1") as server:
        ask(server.connect())
        server.go()
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert refused(server.port)
