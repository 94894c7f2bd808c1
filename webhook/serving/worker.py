"""gunicorn's worker process with an event loop: its start, its heartbeat and its end.

What happens on connections is left to `endpoint`; what gunicorn's arbiter asks of a worker is here.
"""

import asyncio
import os
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from gunicorn.workers.base import Worker

from webhook.serving.endpoint import Endpoint, Piece, ServedApplication
from webhook.serving.observer import Meter, Tell, Unmetered
from webhook.serving.thread_pool import ThreadPool
from webhook.serving.timeouts import SWEEP_SECONDS, Deadlines

FINISH_SECONDS = 25
"""For requests under way when nothing new is taken any more."""
_HEARTBEAT_SECONDS = 1.0
_OTHER_FILES = 256
"""What a process has open besides connections."""
_OTHER_QUEUE = 64


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker serves, and how it ends. threads: reviews at a time.

    drain_seconds: how long after SIGTERM new connections are still taken, since the API server may not know yet that we
    go; each answer then ends its connection, so that the next request finds another replica. linger_seconds: for how
    long after its last answer a connection is kept then, for a client that may be using it.
    """

    services: Sequence[ServedApplication]
    threads: int
    drain_seconds: float
    linger_seconds: float
    meter: Meter
    tell: Tell
    watch: Callable[[Sequence[Endpoint], ThreadPool[Any]], None] = lambda _endpoints, _pool: None


class LoopWorker(Worker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves `plan`, which a subclass sets."""

    plan: WorkerPlan

    def __init__(self, *arguments: Any) -> None:
        """As gunicorn does."""
        super().__init__(*arguments)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.endpoints: tuple[Endpoint, ...] = ()
        self.deadlines: tuple[Deadlines, ...] = ()
        self.leaving = False
        self.stop_at = self.end_at = float("inf")

    # ------------------------------------------------------------ start

    def run(self) -> None:
        """Serves until it is told to end."""
        allow_files(sum(service.limits.connections for service in self.plan.services) + _OTHER_FILES)
        self.loop = asyncio.SelectorEventLoop()
        self._open(self.loop)
        self._beat(self.loop)
        self._sweep(self.loop)
        if self.leaving:  # SIGTERM came before there was a loop
            self._leave()
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts the threads, and accepts connections."""
        plan, (main, *plain_services) = self.plan, self.plan.services
        services = (replace(main, listener=self.sockets[0].sock), *plain_services)
        reviews, other_requests = (
            ThreadPool("review", plan.threads, main.limits.queue, _work),
            ThreadPool("other", 1, _OTHER_QUEUE, _work),
        )
        main_endpoint = Endpoint(services[0], loop, plan.meter, plan.tell)
        # How often metrics are fetched is not counted.
        self.endpoints = (main_endpoint, *(Endpoint(service, loop, Unmetered(), plan.tell) for service in services[1:]))
        self.deadlines = tuple(Deadlines(endpoint) for endpoint in self.endpoints)
        plan.watch(self.endpoints, reviews)
        for pool in (reviews, other_requests):
            pool.start()
        for number, endpoint in enumerate(self.endpoints):
            endpoint.lanes = {"": other_requests} if number else {"": other_requests, "POST": reviews}
            endpoint.acceptor.start()

    # ------------------------------------------------------------ time

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tells the arbiter that this process is alive; ends with it."""
        self.notify()
        if self.ppid != os.getppid():
            loop.stop()
        loop.call_later(_HEARTBEAT_SECONDS, self._beat, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends what is late."""
        for deadlines in self.deadlines:
            deadlines.sweep()
        if self.leaving:
            self._go_on_leaving()
        loop.call_later(SWEEP_SECONDS, self._sweep, loop)

    # ------------------------------------------------------------ end

    def handle_exit(self, _sig: int, _frame: object) -> None:
        """SIGTERM: serves on for a while, and ends each connection with its answer; a second one shortens that."""
        self.leaving = True
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        time, first_signal = monotonic(), self.stop_at == float("inf")
        self.stop_at = time + (self.plan.drain_seconds if first_signal else 0)
        self.end_at = self.stop_at + (self.plan.linger_seconds if first_signal else 0) + FINISH_SECONDS
        for endpoint in self.endpoints:
            endpoint.answering.leaving = True
        self._go_on_leaving()

    def _go_on_leaving(self) -> None:
        """Once draining has ended, ends when no connection is left that may carry a request."""
        time = monotonic()
        if time < self.stop_at or not self.endpoints:
            return
        self.endpoints[0].acceptor.end()
        idle_seconds = self.plan.linger_seconds if time < self.end_at - FINISH_SECONDS else 0
        if (self.deadlines[0].leave(idle_seconds) or time >= self.end_at) and self.loop:
            self.loop.stop()


def _work(piece: Piece) -> None:
    """What a thread does with a request that has arrived."""
    answering, connection, request = piece
    with suppress(RuntimeError):  # the loop has ended meanwhile
        answering.work(connection, request)


def allow_files(count: int) -> None:
    """Raises the soft limit of open files, as far as the hard one allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
