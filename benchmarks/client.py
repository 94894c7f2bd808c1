"""Sends the same review over and over, as the API server does: HTTP/1.1 over TLS, connections kept alive.

Written on bare sockets, so that on a machine with two cores the client does not slow down what it measures.
"""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from time import perf_counter

_HEAD = (
    "POST {}?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)


class Connection:
    """One verified connection that stays open."""

    def __init__(self, port: int, ca: Path, path: str = "/validate") -> None:
        """Connects to a server on this machine; every post goes to the path."""
        self.path = path
        context = ssl.create_default_context(cafile=ca)
        plain = socket.create_connection(("localhost", port), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")

    def post(self, body: bytes) -> bytes:
        """The body of the answer.

        Raises:
            RuntimeError: the answer is not 200; the text holds its first line.
        """
        self.socket.sendall(_HEAD.format(self.path, len(body)).encode() + body)
        read = self.socket.recv(65536)
        while b"\r\n\r\n" not in read:
            read += self._more()
        head, _, answer = read.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.partition(b"\r\n")[0].decode())
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(answer) < length:
            answer += self._more()
        return answer

    def _more(self) -> bytes:
        more = self.socket.recv(65536)
        if not more:
            raise RuntimeError("the server closed the connection within an answer")
        return more


def load(connections: list[Connection], body: bytes, seconds: float) -> list[float]:
    """The latencies in seconds of as many requests as all connections together get answered in that time."""
    found: list[list[float]] = [[] for _ in connections]
    end = perf_counter() + seconds
    threads = [
        Thread(target=_send, args=(one, body, lambda: perf_counter() < end, held))
        for one, held in zip(connections, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for held in found for one in held]


def _send(connection: Connection, body: bytes, going: Callable[[], bool], latencies: list[float]) -> None:
    while going():
        start = perf_counter()
        connection.post(body)
        latencies.append(perf_counter() - start)
