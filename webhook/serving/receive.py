"""Reads what clients send, without waiting for any of them: handshakes, headers and bodies, each with its deadline."""

import ssl
from collections.abc import Callable, Iterator
from time import perf_counter

from webhook.serving.connection import ClientConnection, ConnectionState
from webhook.serving.connection_table import ConnectionTable
from webhook.serving.http_request import HttpRequest, RequestParser
from webhook.serving.limits import ConnectionLimits
from webhook.serving.observer import Closed, Meter

RECORDS = 16
"""Records that are read of one connection before others have their turn."""
TOGETHER_SECONDS = 0.1
"""A request that comes so soon after the handshake was what the connection was opened for: its client has waited since
the connection arrived."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestReceiver:
    """For the connections of one address. context: the TLS context for the next one, None where none has TLS.

    kept_bytes: of all bodies in memory.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        connections: ConnectionTable,
        context: Callable[[], ssl.SSLContext] | None,
        meter: Meter,
    ) -> None:
        self.kept_bytes = 0
        self._limits, self._connections, self._context, self._meter = limits, connections, context, meter

    # ------------------------------------------------------------ handshake

    def begin(self, connection: ClientConnection) -> None:
        """Takes a new connection in."""
        if self._context is None:
            self._idle(connection)
        else:
            connection.until(self._limits.handshake_seconds, Closed.HANDSHAKE)

    def handshake(self, connection: ClientConnection) -> None:
        """Goes on with its handshake. Raises OSError where it failed."""
        if not connection.started:
            connection.began -= connection.waited()
        if self._context is not None and connection.handshake(self._context()):
            connection.handshook = perf_counter()
            self._meter.handshook(connection.handshook - connection.began)
            self._idle(connection)

    def _idle(self, connection: ClientConnection) -> None:
        self._connections.move(connection, ConnectionState.IDLE)
        connection.until(self._limits.idle_seconds, Closed.IDLE)

    # ------------------------------------------------------------ requests

    def read(self, connection: ClientConnection) -> bool:
        """Takes the bytes that have arrived; False once there will be none any more. Raises OSError where it broke."""
        for _ in range(RECORDS):
            content = connection.receive()
            if not content:
                return content is None
            reader = self._fed(connection, content)
            if reader.complete or reader.refusal:
                return True
        return True

    def _fed(self, connection: ClientConnection, content: bytes) -> RequestParser:
        reader = connection.reader
        if reader is None:
            reader = connection.reader = RequestParser(self._limits)
        bytes_before = reader.kept
        reader.feed(content, 0.0 if reader.current else self._arrival(connection))
        self.kept_bytes += reader.kept - bytes_before
        return reader

    def _arrival(self, connection: ClientConnection) -> float:
        """Since when the client of a request that begins now has waited."""
        received = perf_counter()
        if connection.state is ConnectionState.IDLE and received - connection.handshook < TOGETHER_SECONDS:
            return connection.began
        return received - connection.waited()

    def await_rest(self, connection: ClientConnection, request: HttpRequest) -> None:
        """A request has not arrived whole: sets its deadlines."""
        if connection.state is not ConnectionState.READING:
            self._connections.move(connection, ConnectionState.READING)
            connection.until(self._limits.head_seconds, Closed.HEAD)
        if request.head_complete and connection.late == Closed.HEAD:
            left = self._limits.request_seconds - (perf_counter() - connection.since)
            connection.until(*min((left, Closed.REQUEST), (self._limits.body_seconds, Closed.BODY)))
            if request.expects_continue and not request.size:
                connection.send(_CONTINUE)

    # ------------------------------------------------------------ memory

    def too_much(self) -> bool:
        """Whether the bodies in memory are more than allowed."""
        return self.kept_bytes > self._limits.bodies_bytes

    def oldest(self) -> Iterator[ClientConnection]:
        """While the bodies in memory are too many, the connections on which one has been arriving for longest."""
        for connection in self._connections.of(ConnectionState.READING):
            if not self.too_much():
                return
            if connection.reader and connection.reader.kept:
                yield connection

    def forget(self, connection: ClientConnection) -> None:
        """The connection answers no further request."""
        if connection.reader:
            self.kept_bytes -= connection.reader.kept
            connection.reader.clear()

    def answered(self, connection: ClientConnection, request: HttpRequest) -> None:
        """The request is answered, and its body is not needed any more."""
        if connection.reader:
            self.kept_bytes -= request.kept
            connection.reader.answered(request)
