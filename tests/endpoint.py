"""An address that is served in this process, with limits of the test's choice, and clients without any library."""

import asyncio
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from webhook.serving.connection import ConnectionState
from webhook.serving.endpoint import Endpoint, Piece, ServedApplication
from webhook.serving.limits import ConnectionLimits
from webhook.serving.thread_pool import ThreadPool
from webhook.serving.timeouts import SWEEP_SECONDS, Deadlines

WAIT_SECONDS = 30
POST = b"POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@dataclass
class Counts:
    """A meter that remembers."""

    closings: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    handshakes: list[float] = field(default_factory=list)

    def handshook(self, seconds: float) -> None:
        self.handshakes.append(seconds)

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def closed(self, reason: str, peer: str) -> None:
        assert peer.startswith("127.")
        self.closings[str(reason)] += 1

    def refused(self, status: int, problem: str) -> None:
        self.refusals.append((status, problem))


class Echo:
    """A WSGI application that answers with what it was asked; a request of /wait waits for `go`."""

    def __init__(self) -> None:
        self.go, self.entered = threading.Event(), threading.Semaphore(0)
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environs.append(environ)
        self.entered.release()
        if environ["PATH_INFO"] == "/wait":
            assert self.go.wait(WAIT_SECONDS)
        body = environ["wsgi.input"].read() or environ["PATH_INFO"].encode()
        if environ["PATH_INFO"] == "/large":
            body = b"x" * 8_000_000
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


@dataclass
class Served:
    """A running endpoint."""

    endpoint: Endpoint
    deadlines: Deadlines
    loop: asyncio.AbstractEventLoop
    counts: Counts
    app: Echo
    told: list[tuple[str, object]]
    port: int

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A plain connection from that address."""
        return socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS, (source, 0))

    def ask(self, call: Callable[[], Any]) -> Any:
        """Calls something in the event loop; what it answers."""
        return asyncio.run_coroutine_threadsafe(_calling(call), self.loop).result(WAIT_SECONDS)

    def count(self, state: ConnectionState) -> int:
        """How many connections are in the state."""
        return int(self.ask(self.endpoint.connections.counts)[state])


async def _calling(call: Callable[[], Any]) -> Any:
    return call()


@contextmanager
def serving(
    limits: ConnectionLimits | None = None,
    context: Callable[[], ssl.SSLContext] | None = None,
    threads: int = 2,
    waits: Callable[[], str] = str,
) -> Iterator[Served]:
    """An endpoint in an event loop of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.setblocking(False)
    chosen, counts, app = limits or ConnectionLimits(), Counts(), Echo()
    told: list[tuple[str, object]] = []
    loop = asyncio.SelectorEventLoop()
    endpoint = Endpoint(
        ServedApplication(listener, app, context, chosen, waits),
        loop,
        counts,
        lambda text, fields: told.append((text, fields)),
    )
    pool = ThreadPool[Piece]("test", threads, chosen.queue, lambda piece: piece[0].work(piece[1], piece[2]))
    endpoint.lanes = {"": pool}
    deadlines = Deadlines(endpoint)
    pool.start()
    thread = threading.Thread(target=_run, args=(loop, endpoint, deadlines))
    thread.start()
    try:
        yield Served(endpoint, deadlines, loop, counts, app, told, listener.getsockname()[1])
    finally:
        app.go.set()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_SECONDS)
        _end(pool)
        for connection in endpoint.connections:
            connection.close()
        listener.close()
        loop.close()


def _end(pool: ThreadPool[Piece]) -> None:
    """Ends the threads, which call the event loop until their last answer: it must not be closed before."""
    pool.end()
    for thread in pool._threads:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive(), thread.name


def _run(loop: asyncio.AbstractEventLoop, endpoint: Endpoint, deadlines: Deadlines) -> None:
    def sweep() -> None:
        deadlines.sweep()
        loop.call_later(SWEEP_SECONDS, sweep)

    endpoint.acceptor.start()
    sweep()
    loop.run_forever()


def read(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers in lower case, and body of one response."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, f"the connection ended after {head!r}"
        head += piece
    status, *lines = head.decode().rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = b""
    while left := int(headers.get("content-length", 0)) - len(body):
        piece = connection.recv(min(left, 65536))
        assert piece, "the connection ended within a body"
        body += piece
    return status, headers, body


def post(body: bytes = b"{}", path: bytes = b"/validate", *headers: bytes) -> bytes:
    """The bytes of one request."""
    lines = [b"POST %s HTTP/1.1" % path, b"Host: localhost", b"Content-Length: %d" % len(body), *headers, b"", b""]
    return b"\r\n".join(lines) + body


def ended(connection: socket.socket) -> bool:
    """Whether the server has ended the connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
