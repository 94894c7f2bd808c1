"""A TCP line to a server that can hang: nothing passes, and nothing closes, until it is let go.

with Line(to_port(cluster.port)) as line:
    ...  # a client that speaks to localhost:{line.port}
    line.hold()
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

CHUNK_BYTES = 65536


def to_port(port: int) -> Callable[[], socket.socket]:
    """Dials a port of this machine."""
    return lambda: socket.create_connection(("127.0.0.1", port))


class Line:
    """Carries connections; while it is held, what was sent waits, the end of a connection too, and so do new ones."""

    def __init__(self, dial: Callable[[], socket.socket]) -> None:
        """dial: connects to the server."""
        self.dial = dial
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._free = threading.Event()
        self._free.set()

    @property
    def port(self) -> int:
        """Where clients are taken."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._take, name="line", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def hold(self) -> None:
        """Nothing passes from now on."""
        self._free.clear()

    def release(self) -> None:
        """All that waits goes on, in order."""
        self._free.set()

    def _take(self) -> None:
        """Takes clients until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        """Carries one connection until both sides have ended."""
        self._free.wait()
        with client, suppress(OSError), self.dial() as server:
            back = threading.Thread(target=self._carry, args=(server, client), daemon=True)
            back.start()
            self._carry(client, server)
            back.join()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        """Carries bytes one way, and the end of them."""
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._free.wait()
                target.sendall(chunk)
        self._free.wait()
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
