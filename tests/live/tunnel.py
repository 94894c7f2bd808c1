"""A proxy as companies have them: it opens a tunnel to whom it is asked for, and notes who that was."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import cast


@dataclass
class Tunnel:
    """The running proxy."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def tunnel() -> Iterator[Tunnel]:
    """Runs the proxy on a free port of 127.0.0.1."""
    running = Tunnel()

    class Handler(BaseRequestHandler):
        """One client."""

        def handle(self) -> None:
            """Answers `CONNECT host:port HTTP/1.1`, then passes bytes both ways."""
            client = cast(socket.socket, self.request)
            target = client.recv(65536).split()[1].decode()
            running.asked.append(target)
            name, _, port = target.rpartition(":")
            with socket.create_connection((name, int(port))) as server, suppress(OSError):
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                while _passed(client, server):
                    pass

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        running.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield running
        listening.shutdown()


def _passed(client: socket.socket, server: socket.socket) -> bool:
    """Whether both still speak, once what they said was passed on."""
    ready, _, _ = select.select((client, server), (), ())
    pieces = [(server if one is client else client, one.recv(65536)) for one in ready]
    for to, piece in pieces:
        to.sendall(piece)
    return all(piece for _, piece in pieces)
