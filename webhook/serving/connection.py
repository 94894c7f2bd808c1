"""One connection of a client: its socket without blocking, with TLS or without, and where it is in its life.

When something is read, and by whom, is left to `endpoint`.
"""

import socket
import ssl
from array import array
from contextlib import suppress
from enum import StrEnum
from fcntl import ioctl
from math import inf
from struct import unpack_from
from termios import FIONREAD
from time import perf_counter

from webhook.serving.http_request import RequestParser

_RECORD_BYTES = 16 * 1024
"""The most that one record of TLS carries."""
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_LAST_RECEIVED, _INFO_BYTES, _ESTABLISHED = 52, 56, 1
"""Of Linux's struct tcp_info: where tcpi_last_data_recv is, in milliseconds, and the state of an open connection."""


class ConnectionState(StrEnum):
    """Where a connection is. IDLE: it never carried a request. KEPT: it did, and carries none now."""

    HANDSHAKE = "handshake"
    IDLE = "idle"
    KEPT = "kept"
    READING = "reading"
    ANSWERING = "answering"
    CLOSING = "closing"


class ClientConnection:
    """Everything about one connection.

    Threads touch it only while it is `busy`, and the event loop only while not. since: when its state began. began:
    when its client began to wait for it. deadline, late: when it is closed, and the reason that is then counted. rest:
    what of an answer could not be sent yet. ends: the answer that was sent said that it is the last. paused: nothing
    is read from it; see `answering`.
    """

    __slots__ = (
        "began",
        "busy",
        "deadline",
        "ends",
        "handshook",
        "late",
        "paused",
        "peer",
        "reader",
        "rest",
        "since",
        "sock",
        "state",
    )

    def __init__(self, sock: socket.socket, peer: str) -> None:
        sock.settimeout(0)
        self.sock, self.peer = sock, peer
        self.state = ConnectionState.HANDSHAKE
        self.since = self.began = perf_counter()
        self.handshook = 0.0
        self.deadline, self.late = inf, ""
        self.reader: RequestParser | None = None
        self.rest: memoryview | None = None
        self.busy = self.paused = self.ends = False

    def until(self, seconds: float, late: str) -> None:
        """Sets the deadline, in so many seconds from now."""
        self.deadline, self.late = perf_counter() + seconds, late

    # ------------------------------------------------------------ TLS

    @property
    def started(self) -> bool:
        """Whether the client has begun its handshake."""
        return isinstance(self.sock, ssl.SSLSocket)

    def handshake(self, context: ssl.SSLContext) -> bool:
        """Goes on with the handshake; whether it is complete. Raises OSError where it failed."""
        if not isinstance(self.sock, ssl.SSLSocket):
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    # ------------------------------------------------------------ bytes

    def receive(self) -> bytes | None:
        """The next bytes; empty at the end, None while there are none. Raises OSError where it is broken."""
        try:
            return self.sock.recv(_RECORD_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return None

    def send(self, message: bytes | memoryview) -> memoryview | None:
        """Sends as much as the kernel takes; what is left. Raises OSError where the connection is broken."""
        left = memoryview(message)
        while left:
            try:
                left = left[self.sock.send(left) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return left
        return None

    def unread(self) -> bool:
        """Whether bytes of the client have arrived that were not read."""
        count = array("i", [0])
        with suppress(OSError):
            ioctl(self.sock, FIONREAD, count)
        return count[0] > 0

    def discard(self) -> bool:
        """Throws away what has arrived, TLS or not; whether the client has closed its side."""
        try:
            return not socket.socket.recv(self.sock, _RECORD_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            return True

    # ------------------------------------------------------------ what the kernel knows of it

    def waited(self) -> float:
        """Seconds since the kernel received the last bytes of the client, where it tells."""
        info = self._info()
        return float(unpack_from("=I", info, _LAST_RECEIVED)[0]) / 1000 if info else 0.0

    def abandoned(self) -> bool:
        """Whether the client has closed the connection, where the kernel tells."""
        info = self._info()
        return bool(info) and info[0] != _ESTABLISHED

    def _info(self) -> bytes:
        if _TCP_INFO is None:
            return b""
        try:
            return self.sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES)
        except OSError:
            return b""

    # ------------------------------------------------------------ its end

    def finish(self) -> None:
        """Says that nothing more will be sent; the client may still be sending."""
        with suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.unwrap()
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def close(self) -> None:
        """Ends it."""
        if self.reader is not None:
            self.reader.release()
        with suppress(OSError):
            self.sock.close()
