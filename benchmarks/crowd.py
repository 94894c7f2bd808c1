"""Connections that nobody reviews over: opened, and left in one of the states in which a client may leave one.

Each comes from an address of 127.0.0.0/8 of a range, so that a crowd is one client, or many.
"""

import resource
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

SILENT, STALLED, IDLE, PARTIAL, KEPT = "no handshake", "stalled handshake", "idle after the handshake", "half", "kept"
_START_OF_A_HANDSHAKE = b"\x16\x03\x01"
_START_OF_A_REQUEST = b"POST /validate?timeout=10s HTTP/1.1\r\nHost: loc"
_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
_CONNECT_SECONDS = 30


class Crowd:
    """Opens connections to a server on this machine; closes them in the end. peers: from how many addresses."""

    def __init__(self, port: int, ca: Path, peers: int = 1) -> None:
        self._port, self._context = port, ssl.create_default_context(cafile=ca)
        self._sources = cycle([f"127.0.1.{number + 1}" for number in range(peers)])
        self._sockets: list[socket.socket] = []

    def open(self, state: str, count: int) -> None:
        """Opens so many more and leaves them in that state."""
        allow_files(len(self._sockets) + count)
        self._sockets += [self._opened(state) for _ in range(count)]

    def close(self) -> None:
        """Closes all of them."""
        with ExitStack() as stack:
            for connection in self._sockets:
                stack.callback(connection.close)
        self._sockets.clear()

    def _opened(self, state: str) -> socket.socket:
        source = (next(self._sources), 0)
        plain = socket.create_connection(("127.0.0.1", self._port), _CONNECT_SECONDS, source)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go's client
        if state == SILENT:
            return plain
        if state == STALLED:
            plain.sendall(_START_OF_A_HANDSHAKE)
            return plain
        wrapped = self._context.wrap_socket(plain, server_hostname="localhost")
        if state == PARTIAL:
            wrapped.sendall(_START_OF_A_REQUEST)
        if state == KEPT:
            wrapped.sendall(_REQUEST)
            wrapped.recv(4096)
        return wrapped


@contextmanager
def crowd(port: int, ca: Path, counts: Mapping[str, int], peers: int = 1) -> Iterator[Crowd]:
    """So many connections in each state."""
    made = Crowd(port, ca, peers)
    try:
        for state, count in counts.items():
            made.open(state, count)
        yield made
    finally:
        made.close()


def allow_files(count: int) -> None:
    """Lets this process have so many open files more than usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + 512
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
