"""The server process: gunicorn, embedded, with a worker of our own; what is answered is left to the WSGI app."""

import gc
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webhook.serving.endpoint import Endpoint, ServedApplication
from webhook.serving.http_response import Wsgi
from webhook.serving.limits import SMALL, ConnectionLimits
from webhook.serving.observer import Meter, Tell, Unmetered
from webhook.serving.thread_pool import ThreadPool
from webhook.serving.tls import TlsContextSource
from webhook.serving.worker import FINISH_SECONDS, LoopWorker, WorkerPlan

_BACKLOG = 64
"""Connections that may wait at the address of the metrics."""


SILENT_SECONDS = 300
"""After which a worker that shows no life is replaced. A machine that stops for half a minute stops all of them, and a
successor would have to list the whole cluster; a worker that hangs alone is found by the livenessProbe before.
"""


class PortTaken(OSError):
    """The address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """How the server process is cut. workers: processes; threads: reviews at a time in each.

    drain_seconds, linger_seconds: see Plan.
    """

    workers: int
    threads: int
    drain_seconds: int = 0
    linger_seconds: int = 0
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


def _nothing() -> None:
    """For who wants nothing done."""


def _tell_nobody(_message: str, _fields: object) -> None:
    """For who wants nothing told."""


def _watch_nothing(_endpoints: Sequence[Endpoint], _reviews: ThreadPool[Any]) -> None:
    """For who wants nothing shown."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called when. started: once it listens. working: in each worker process, before its first request.

    ended: in each worker process, after its last one. waits: what must come before anything can be judged, '' from
    then on. meter, tell, watch: who is told how the connections are; watch is given them in the worker process.
    """

    started: Callable[[], None] = _nothing
    working: Callable[[], None] = _nothing
    ended: Callable[[], None] = _nothing
    waits: Callable[[], str] = str
    meter: Meter = field(default_factory=Unmetered)
    tell: Tell = _tell_nobody
    watch: Callable[[Sequence[Endpoint], ThreadPool[Any]], None] = _watch_nothing


@dataclass(frozen=True, slots=True)
class PlainHttpService:
    """What is served beside it over plain HTTP: an application, and the socket of its address."""

    listener: socket.socket
    app: Wsgi


def take_address(host: str, port: int) -> socket.socket:
    """A socket at the address; clients are refused until the server listens on it.

    Raises:
        PortTaken: somebody else listens there, or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return listener


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn, told everything by arguments: no configuration file, no command line, no control socket."""

    def __init__(
        self,
        service: PlainHttpService,
        certificates: TlsContextSource,
        process: ProcessSettings,
        hooks: Hooks,
        plain_services: Sequence[PlainHttpService] = (),
    ) -> None:
        """service: gets TLS with the certificates. Applications are built before the workers are forked."""
        self.process, self.hooks, self.app = process, hooks, service.app
        self.certificates = certificates
        for plain in plain_services:
            plain.listener.listen(_BACKLOG)
        main = ServedApplication(service.listener, service.app, certificates.context, process.limits, hooks.waits)
        self.services = (main, *(ServedApplication(plain.listener, plain.app, None, SMALL) for plain in plain_services))
        super().__init__()

    def load_config(self) -> None:
        """Hands gunicorn its settings."""
        for name, value in (self._connections() | self._times()).items():
            self.cfg.set(name, value)

    def load(self) -> Wsgi:
        """The WSGI application."""
        return self.app

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then answers what is under way and exits the process."""
        gc.collect()
        gc.freeze()  # the cluster in memory is not looked through again at each full collection
        super().run()

    def _connections(self) -> dict[str, Any]:
        """Where, and by how many. TLS, limits and deadlines of connections are the worker's own."""
        return {
            "bind": f"fd://{self.services[0].listener.detach()}",
            "worker_class": self._worker_class(),
            "workers": self.process.workers,
            "threads": self.process.threads,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108  # a heartbeat, no content
            "control_socket_disable": True,
            "logger_class": _Log,
        }

    def _worker_class(self) -> type[LoopWorker]:
        """The worker with everything that it serves."""
        hooks, process = self.hooks, self.process
        plan = WorkerPlan(
            self.services,
            process.threads,
            process.drain_seconds,
            process.linger_seconds,
            hooks.meter,
            hooks.tell,
            hooks.watch,
        )
        return type("Worker", (LoopWorker,), {"plan": plan})

    def _times(self) -> dict[str, Any]:
        """How long things last, and what is called when."""
        process = self.process
        return {
            "timeout": SILENT_SECONDS,
            "graceful_timeout": process.drain_seconds + process.linger_seconds + FINISH_SECONDS + 1,
            "when_ready": lambda _arbiter: self.hooks.started(),
            "post_worker_init": lambda _worker: self.hooks.working(),
            "worker_exit": lambda _arbiter, _worker: self.hooks.ended(),
        }


class _Log(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log without handlers of its own: `gunicorn.error` goes where our log goes; no access log."""

    def setup(self, cfg: Any) -> None:
        """Adds nothing to what was set up before."""
        self.cfg = cfg
