"""What `serve` shows of itself: metrics where settings ask for them, and what the log says of connections.

prometheus_client is imported only where metrics are asked for.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from socket import socket
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from webhook import logs
from webhook.serving.certificate_expiry import end_of
from webhook.serving.endpoint import Endpoint
from webhook.serving.observer import NORMAL, Closed, Meter
from webhook.serving.server import PlainHttpService
from webhook.serving.thread_pool import ThreadPool
from webhook.serving.tls import TlsContextSource
from webhook.web import ReviewObserver

if TYPE_CHECKING:
    from webhook.metrics import LeaderStatus, Metrics, WatchStatus

TOLD_SECONDS = 10.0
"""How often the log says that connections were closed."""
_TOLD_ELSEWHERE = NORMAL | {Closed.REFUSED, Closed.ABANDONED}
_CONSEQUENCE = "no request that had arrived whole was lost"


class HasWatches(Protocol):
    """Whoever has watches."""

    def watches(self) -> "Iterable[WatchStatus]":
        """How each watch is."""


class HasLeadership(Protocol):
    """A replica that may lead; `Beside` can do it."""

    def led(self) -> "LeaderStatus":
        """What it has done as the leader."""


class MetricsEndpoint:
    """Metrics at the address of a socket, or nothing without one."""

    def __init__(
        self, listener: socket | None, cluster: HasWatches, certificates: TlsContextSource, replica: HasLeadership
    ) -> None:
        self._listener = listener
        self._metrics: Metrics | None = None
        if listener is not None:
            from webhook import metrics

            ends = partial(_end, certificates)
            self._metrics = metrics.Metrics(cluster.watches, ends, replica.led)

    @property
    def journals(self) -> tuple[ReviewObserver, ...]:
        """Who has to be told of what is answered."""
        return () if self._metrics is None else (self._metrics,)

    @property
    def services(self) -> tuple[PlainHttpService, ...]:
        """What is served besides reviews."""
        if self._metrics is None or self._listener is None:
            return ()
        return (PlainHttpService(self._listener, self._metrics.app()),)

    def meter(self, journal: ReviewObserver) -> Meter:
        """Whom the server tells of its connections. journal: is told of requests that it refuses itself."""
        return ConnectionObserver(journal, self._metrics)

    def watch(self, endpoints: Sequence[Endpoint], reviews: ThreadPool[Any]) -> None:
        """Shows how the connections of the first endpoint are, and how many reviews wait."""
        if self._metrics is not None:
            self._metrics.connections = endpoints[0].connections.counts
            self._metrics.waiting = reviews.waiting


class ConnectionObserver:
    """Counts what the server tells of connections, and logs what is not usual of them, a line for many."""

    def __init__(self, journal: ReviewObserver, metrics: "Metrics | None") -> None:
        self._journal, self._metrics = journal, metrics
        self._closed: Counter[str] = Counter()
        self._next = 0.0

    def handshook(self, seconds: float) -> None:
        """A handshake was completed."""
        if self._metrics is not None:
            self._metrics.handshook(seconds)

    def waited(self, seconds: float) -> None:
        """A request waited for a thread."""
        if self._metrics is not None:
            self._metrics.waited(seconds)

    def refused(self, status: int, problem: str) -> None:
        """A request was refused before it reached the application."""
        self._journal.refused(status, problem)

    def closed(self, reason: str, peer: str) -> None:
        """A connection was closed."""
        if self._metrics is not None:
            self._metrics.closed(reason)
        if reason not in _TOLD_ELSEWHERE:
            self._tell(reason, peer)

    def _tell(self, reason: str, peer: str) -> None:
        self._closed[reason] += 1
        now = monotonic()
        if now < self._next:
            return
        self._next = now + TOLD_SECONDS
        reasons = [f"{name}: {count}" for name, count in self._closed.items()]
        self._closed.clear()
        fields = {"reasons": reasons, "lastClient": peer, "consequence": _CONSEQUENCE}
        logs.tell("connections were closed", fields, logging.INFO)


def _end(certificates: TlsContextSource) -> datetime | None:
    """Until when the certificate that is served is valid."""
    return end_of(certificates.certificate)
