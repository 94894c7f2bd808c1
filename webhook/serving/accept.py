"""Accepts the connections of an address, as long as there is room for them."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from socket import socket

from webhook.serving.connection import ClientConnection
from webhook.serving.connection_table import ConnectionTable
from webhook.serving.observer import Closed

TOGETHER = 32
"""Connections that are accepted before others have their turn."""
_SHORT = (EMFILE, ENFILE, ENOBUFS, ENOMEM)
_SHORT_SECONDS = 0.1


class Acceptor:
    """Accepts from one listening socket.

    admit: takes a connection in. drop: closes one, which is then not in `connections` any more.
    """

    def __init__(
        self,
        listener: socket,
        loop: AbstractEventLoop,
        connections: ConnectionTable,
        admit: Callable[[ClientConnection], None],
        drop: Callable[[ClientConnection, Closed], None],
    ) -> None:
        listener.settimeout(0)
        self._listener, self._loop, self._connections = listener, loop, connections
        self._admit, self._drop = admit, drop
        self._watched = self._ended = False

    def start(self) -> None:
        """Accepts from now on, also after a pause."""
        if not self._watched and not self._ended:
            self._watched = True
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def end(self) -> None:
        """Takes the connections that wait already; later ones are refused."""
        if not self._ended:
            while self._accept_one():
                pass
            self._pause()
            self._ended = True
            self._listener.close()

    def _pause(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._listener.fileno())

    def _accept(self) -> None:
        for _ in range(TOGETHER):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Accepts one connection; False where there is none, or no room for it."""
        if self._connections.full() and self._connections.spare() is None:
            self._pause()
            return False
        try:
            sock, address = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._short_of(error)
            return False
        self._take(sock, str(address[0]))
        return True

    def _take(self, sock: socket, peer: str) -> None:
        """Takes a new connection in, unless its address has too many already."""
        connection = ClientConnection(sock, peer)
        if self._connections.full():
            self._make_room(None, Closed.CAP)
        if self._connections.full_of(peer) and not self._make_room(peer, Closed.PEER):
            self._connections.add(connection)
            self._drop(connection, Closed.PEER)
            return
        self._connections.add(connection)
        self._admit(connection)

    def _make_room(self, peer: str | None, reason: Closed) -> bool:
        """Closes a connection for another, if there is one that may be closed. peer: only of this address."""
        spare = self._connections.spare(peer)
        if spare is not None:
            self._drop(spare, reason)
        return spare is not None

    def _short_of(self, error: OSError) -> None:
        """The system has no file or memory for one more: waits a moment."""
        if error.errno not in _SHORT:
            raise error
        self._make_room(None, Closed.CAP)
        self._pause()
        self._loop.call_later(_SHORT_SECONDS, self.start)
