"""An address that is served: the event loop's side of its connections.

Only a request that has arrived whole goes to a thread (`answering`). What clients send is read by `reading`; which
connection is closed when they are too many is left to `connections`, which deadlines have passed to `deadlines`.
"""

import ssl
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from socket import socket
from time import perf_counter

from webhook.serving.accept import Acceptor
from webhook.serving.connection import ClientConnection, ConnectionState
from webhook.serving.connection_table import ConnectionTable
from webhook.serving.http_request import HttpRefusal, HttpRequest
from webhook.serving.http_response import RETRIED, Wsgi, plain
from webhook.serving.limits import ConnectionLimits
from webhook.serving.observer import Closed, Meter, Tell
from webhook.serving.receive import RequestReceiver
from webhook.serving.thread_pool import ThreadPool
from webhook.serving.wsgi_call import RequestHandler

Piece = tuple[RequestHandler, ClientConnection, HttpRequest]
"""Work for a thread."""


@dataclass(frozen=True, slots=True)
class ServedApplication:
    """What is served at an address. context: the TLS context for the next connection; without it, none has TLS.

    waits: what the server waits for before it can judge, '' once it can.
    """

    listener: socket
    app: Wsgi
    context: Callable[[], ssl.SSLContext] | None
    limits: ConnectionLimits
    waits: Callable[[], str] = str


class Endpoint:
    """The connections of one service. lanes: the threads for each method, those under '' for every other one."""

    def __init__(self, service: ServedApplication, loop: AbstractEventLoop, meter: Meter, tell: Tell) -> None:
        self.limits, self.meter, self.tell = service.limits, meter, tell
        self.lanes: Mapping[str, ThreadPool[Piece]] = {}
        self.connections = ConnectionTable(service.limits)
        self.acceptor = Acceptor(service.listener, loop, self.connections, self._admit, self.drop)
        self._reading = RequestReceiver(service.limits, self.connections, service.context, meter)
        self._loop = loop
        server = service.listener.getsockname()
        self.answering = RequestHandler(
            service.app,
            meter,
            tell,
            self.connections.crowded,
            service.waits,
            lambda: loop.call_soon_threadsafe(self.settle),
            (str(server[0]), int(server[1])),
            "https" if service.context else "http",
        )

    def _admit(self, connection: ClientConnection) -> None:
        """Takes a new connection in."""
        self._reading.begin(connection)
        self._loop.add_reader(connection.sock.fileno(), self._event, connection)

    # ------------------------------------------------------------ read

    def _event(self, connection: ClientConnection) -> None:
        """Something can be read from the connection, or written to it."""
        self.settle()
        try:
            self._step(connection)
        except ssl.SSLWantWriteError:
            return  # a client that takes no byte of a handshake: its deadline comes
        except (ssl.SSLEOFError, ConnectionError):
            self.drop(connection, Closed.LEFT)
        except OSError:
            if connection.state is ConnectionState.HANDSHAKE:
                self.finish(connection, Closed.HANDSHAKE_FAILED)
            else:
                self.drop(connection, Closed.LEFT)
        except Exception as error:  # noqa: BLE001  # one connection must not end all others
            self.tell("a connection failed", {"client": connection.peer, "error": type(error).__name__})
            self.drop(connection, Closed.REFUSED)

    def _step(self, connection: ClientConnection) -> None:
        if connection.busy:
            self._pause(connection)
            self.settle()
        elif connection.rest is not None:
            self._write(connection, connection.rest)
        elif connection.state is ConnectionState.HANDSHAKE:
            self._reading.handshake(connection)
        elif connection.state is ConnectionState.CLOSING:
            if connection.discard():
                self.drop(connection, Closed(connection.late))
        else:
            self._read(connection)

    def _read(self, connection: ClientConnection) -> None:
        if not self._reading.read(connection):
            self.drop(connection, Closed.LEFT)
            return
        self._advance(connection)
        for oldest in self._reading.oldest() if self._reading.too_much() else ():
            self.refuse(oldest, HttpRefusal(503, "too many bodies arrive at a time"), Closed.MEMORY)

    def _advance(self, connection: ClientConnection) -> None:
        """Does what is due next on a connection on which nothing is answered now."""
        reader = connection.reader
        if reader is None:
            return
        if reader.complete:
            self._dispatch(connection, reader.complete.popleft())
        elif reader.refusal:
            self.refuse(connection, reader.refusal, Closed.REFUSED)
        elif reader.current:
            self._reading.await_rest(connection, reader.current)

    # ------------------------------------------------------------ answer

    def _dispatch(self, connection: ClientConnection, request: HttpRequest) -> None:
        """Hands a complete request to a thread."""
        request.completed = perf_counter()
        connection.busy, connection.deadline = True, inf
        self.connections.move(connection, ConnectionState.ANSWERING)
        self.enqueue(connection, request)

    def enqueue(self, connection: ClientConnection, request: HttpRequest) -> None:
        """Has a thread answer the request, unless too many wait already."""
        lane = self.lanes.get(request.method) or self.lanes[""]
        if self._reading.too_much() or not lane.put((self.answering, connection, request)):
            connection.busy = False
            self._reading.answered(connection, request)
            self.refuse(connection, HttpRefusal(429, "too many requests wait"), Closed.REFUSED)

    def settle(self) -> None:
        """Takes back the connections on which threads have answered."""
        while self.answering.done:
            connection, request = self.answering.done.popleft()
            connection.busy = False
            self._reading.answered(connection, request)
            if connection.late == Closed.ABANDONED:
                self.drop(connection, Closed.ABANDONED)
            elif connection.rest is not None:
                self._write_later(connection)
            else:
                self._sent(connection)

    def refuse(self, connection: ClientConnection, refusal: HttpRefusal, reason: Closed) -> None:
        """Answers with what is wrong, and ends the connection."""
        headers = {"Retry-After": "1"} if refusal.status in RETRIED else {}
        self.meter.refused(refusal.status, f"{refusal.problem} (from {connection.peer})")
        connection.ends, connection.late = True, reason
        self._reading.forget(connection)
        try:
            connection.rest = connection.send(plain(refusal.status, refusal.problem, headers))
        except OSError:
            self.drop(connection, Closed.LEFT)
            return
        if connection.rest is not None:
            self._write_later(connection)
        else:
            self.finish(connection, reason)

    def _write_later(self, connection: ClientConnection) -> None:
        """Sends the rest as the client takes it."""
        self._pause(connection)
        if connection.state is not ConnectionState.ANSWERING:
            self.connections.move(connection, ConnectionState.ANSWERING)
        connection.until(self.limits.answer_seconds, Closed.ANSWER)
        self._loop.add_writer(connection.sock.fileno(), self._event, connection)

    def _write(self, connection: ClientConnection, unsent: memoryview) -> None:
        connection.rest = connection.send(unsent)
        if connection.rest is None:
            self._loop.remove_writer(connection.sock.fileno())
            self._sent(connection)

    def _sent(self, connection: ClientConnection) -> None:
        """An answer was sent to its end."""
        if connection.ends:
            self.finish(connection, Closed.RETIRED)
            return
        self.connections.move(connection, ConnectionState.KEPT)
        connection.until(self.limits.idle_seconds, Closed.IDLE)
        self._resume(connection)
        self._advance(connection)

    def _pause(self, connection: ClientConnection) -> None:
        """Reads nothing from it until its answer is sent."""
        connection.paused = True
        self._loop.remove_reader(connection.sock.fileno())

    def _resume(self, connection: ClientConnection) -> None:
        if connection.paused:
            connection.paused = False
            self._loop.add_reader(connection.sock.fileno(), self._event, connection)

    # ------------------------------------------------------------ end

    def finish(self, connection: ClientConnection, reason: Closed) -> None:
        """Sends nothing more, and waits a moment for the client to close: what it still sends must not reset it."""
        connection.finish()
        self.connections.move(connection, ConnectionState.CLOSING)
        connection.until(self.limits.closing_seconds, reason)
        self._resume(connection)

    def drop(self, connection: ClientConnection, reason: Closed) -> None:
        """Closes it at once."""
        number = connection.sock.fileno()
        self._loop.remove_reader(number)
        self._loop.remove_writer(number)
        self.connections.remove(connection)
        self._reading.forget(connection)
        connection.close()
        self.meter.closed(reason, connection.peer)
        self.acceptor.start()
