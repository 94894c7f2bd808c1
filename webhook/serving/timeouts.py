"""Ends what has lasted too long at an address: handshakes, requests that do not arrive, idle connections."""

from time import perf_counter

from webhook.serving.connection import ClientConnection, ConnectionState
from webhook.serving.endpoint import Endpoint
from webhook.serving.http_request import HttpRefusal
from webhook.serving.observer import Closed

SWEEP_SECONDS = 0.1
"""How often; a deadline is late by as much."""


class Deadlines:
    """Of one endpoint; `sweep` is to be called every SWEEP_SECONDS."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def sweep(self) -> None:
        """Ends what is late, and has requests that were put off looked at again."""
        endpoint, time = self._endpoint, perf_counter()
        endpoint.settle()
        for connection in endpoint.connections:
            if connection.deadline <= time and not connection.busy:
                self._end(connection)
        for _ in range(len(endpoint.answering.waiting)):
            endpoint.enqueue(*endpoint.answering.waiting.popleft())

    def _end(self, connection: ClientConnection) -> None:
        endpoint, reason = self._endpoint, Closed(connection.late)
        if connection.state in (ConnectionState.IDLE, ConnectionState.KEPT):
            self._end_idle(connection)
        elif connection.state is ConnectionState.READING:
            endpoint.refuse(connection, HttpRefusal(408, f"the request did not arrive in time: {reason}"), reason)
        else:
            endpoint.drop(connection, reason)

    def _end_idle(self, connection: ClientConnection) -> None:
        """Ends a connection that carries no request, unless one has just arrived."""
        if not connection.unread():
            self._endpoint.finish(connection, Closed.IDLE)

    # ------------------------------------------------------------ the end of the server

    def leave(self, idle_seconds: float) -> bool:
        """Ends connections that no client will use any more; whether all are ended.

        idle_seconds: for how long one must have been idle. What has begun a handshake or a request may go on.
        """
        time = perf_counter()
        for connection in self._endpoint.connections:
            if (
                connection.state in (ConnectionState.IDLE, ConnectionState.KEPT)
                and time - connection.since >= idle_seconds
            ):
                self._end_idle(connection)
            if connection.state is ConnectionState.HANDSHAKE and not connection.started and not connection.unread():
                self._endpoint.drop(connection, Closed.HANDSHAKE)
        return len(self._endpoint.connections) == len(self._endpoint.connections.of(ConnectionState.CLOSING))
