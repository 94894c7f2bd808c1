"""What a thread does with a request that has arrived whole: it runs the application, and sends the answer.

The event loop lets go of a connection while a thread answers on it, and takes it back from `done`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from webhook.serving.connection import ClientConnection
from webhook.serving.http_request import HttpRequest
from webhook.serving.http_response import RETRIED, Wsgi, WsgiResponse, plain
from webhook.serving.observer import Closed, Meter, Tell
from webhook.serving.wsgi_environ import environ_of

HOLD_SECONDS = 0.25
"""How long a review waits for a server that cannot judge yet, before it is told to try again: client-go does so up to
ten times, on another connection, so perhaps with another replica.

Source: https://github.com/kubernetes/client-go/blob/v0.34.0/rest/with_retry.go (IsNextRetry; maxRetries is 10).
"""
SLOW_SECONDS = 0.5
"""From then on it is worth asking the kernel whether the client still waits."""
Exchange = tuple[ClientConnection, HttpRequest]
"""A request that has arrived whole, and the connection that carries it."""


@dataclass(slots=True)
class RequestHandler:
    """For the connections of one address.

    crowded: whether a connection must end with its answer, to make room. waits: what the server waits for before it
    can judge. wake: has the loop look at `done` at once. waiting: what was put off.
    """

    app: Wsgi
    meter: Meter
    tell: Tell
    crowded: Callable[[str], bool]
    waits: Callable[[], str]
    wake: Callable[[], object]
    server: tuple[str, int]
    scheme: str
    leaving: bool = False
    done: deque[Exchange] = field(default_factory=deque)
    waiting: deque[Exchange] = field(default_factory=deque)

    def work(self, connection: ClientConnection, request: HttpRequest) -> None:
        """Answers the connection's request, or puts it off."""
        waited = perf_counter() - request.completed
        if request.method == "POST" and waited < HOLD_SECONDS and self.waits():
            self.waiting.append((connection, request))
            return
        self.meter.waited(waited)
        if waited > SLOW_SECONDS and connection.abandoned():
            self._abandoned(connection, request)
            self._give_back(connection, request)
            return
        answer = self._answer(connection, request)
        self._give_back(connection, request)
        if answer is not None:
            answer.close()

    def _answer(self, connection: ClientConnection, request: HttpRequest) -> WsgiResponse | None:
        """Runs the application and sends what it answers."""
        answer = None
        try:
            answer = WsgiResponse(self.app, environ_of(request, connection.peer, self.server, self.scheme))
            connection.ends = self._ends(connection, request, answer)
            message = answer.message(close=connection.ends, version=request.version)
        except Exception as error:  # noqa: BLE001  # the application's: its client gets an answer, the next one too
            self.tell("the application failed", {"client": connection.peer, "error": type(error).__name__})
            connection.ends, message = True, plain(500, "a fault of this server")
        self._send(connection, request, message)
        return answer

    def _ends(self, connection: ClientConnection, request: HttpRequest, answer: WsgiResponse) -> bool:
        """Whether this is the last answer on its connection; decided once, and then said in the answer."""
        if self.leaving or not request.keep_alive or request.broken:
            return True
        return answer.code in RETRIED or self.crowded(connection.peer)

    def _send(self, connection: ClientConnection, request: HttpRequest, message: bytes) -> None:
        if perf_counter() - request.arrived > SLOW_SECONDS and connection.abandoned():
            self._abandoned(connection, request)
            return
        try:
            connection.rest = connection.send(message)
        except OSError:
            self._abandoned(connection, request)

    def _abandoned(self, connection: ClientConnection, request: HttpRequest) -> None:
        """The client has gone before its answer."""
        connection.ends, connection.late = True, Closed.ABANDONED
        milliseconds = round((perf_counter() - request.arrived) * 1000)
        consequence = "for the client this request has failed"
        fields = {"client": connection.peer, "milliseconds": milliseconds, "consequence": consequence}
        self.tell("the client closed the connection before its answer", fields)

    def _give_back(self, connection: ClientConnection, request: HttpRequest) -> None:
        """Hands the connection back to the loop, which needs to know at once only where there is something to do.

        It is in `done` before `paused` is read; the loop sets `paused` before it looks into `done`: one of both sees
        what the other did.
        """
        reader, at_once = connection.reader, connection.ends or connection.rest is not None
        pipelined = reader is not None and (bool(reader.complete) or reader.refusal is not None)
        self.done.append((connection, request))
        if at_once or pipelined or connection.paused:
            self.wake()
