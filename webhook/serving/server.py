"""The server process: gunicorn with threads, embedded, on a socket of our own; its answers are the WSGI app's."""

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from threading import Timer
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import InvalidHeader, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from webhook.serving.tls import Certificates

KEEP_ALIVE_SECONDS = 120
"""Longer than the 90 s for which the API server keeps an idle connection, so that it never meets one just closed.

Source: https://github.com/kubernetes/apimachinery/blob/v0.34.0/pkg/util/net/http.go (defaultTransport, 90 s);
gunicorn's gthread worker keeps such connections in its selector, without a thread.
"""
FINISH_SECONDS = 25
"""For requests under way when nothing new is taken any more; a pod is killed after 30 s, unless it says otherwise."""


class PortTaken(OSError):
    """The address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Process:
    """How the server process is cut. workers: processes; threads: reviews at a time in each.

    drain_seconds: how long after SIGTERM new connections are still taken, since the API server may not know yet that we
    go; each answer then closes its connection, so that the next request finds another replica.
    """

    workers: int
    threads: int
    drain_seconds: int = 0


def _nothing() -> None:
    """For who wants nothing done."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called when. started: once it listens. working: in each worker process, before its first request.

    ended: in each worker process, after its last one.
    """

    started: Callable[[], None] = _nothing
    working: Callable[[], None] = _nothing
    ended: Callable[[], None] = _nothing


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
        app: object,
        listener: socket.socket,
        certificates: Certificates,
        process: Process,
        hooks: Hooks,
    ) -> None:
        """app: the WSGI application, built before the workers are forked."""
        self.app, self.listener, self.certificates, self.process = app, listener, certificates, process
        self.hooks = hooks
        super().__init__()

    def load_config(self) -> None:
        """Hands gunicorn its settings."""
        for name, value in (self._connections() | self._times() | self._limits()).items():
            self.cfg.set(name, value)

    def load(self) -> object:
        """The WSGI application."""
        return self.app

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then answers what is under way and exits the process."""
        gc.collect()
        gc.freeze()  # the cluster in memory is not looked through again at each full collection
        super().run()

    def _connections(self) -> dict[str, Any]:
        """Where, with what, and by how many."""
        return {
            "bind": f"fd://{self.listener.fileno()}",
            "certfile": str(self.certificates.certificate),
            "keyfile": str(self.certificates.key),
            "ssl_context": lambda _config, _default: self.certificates.context(),
            "worker_class": type("Worker", (_Worker,), {"drain_seconds": self.process.drain_seconds}),
            "workers": self.process.workers,
            "threads": self.process.threads,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108  # a heartbeat, no content
        }

    def _times(self) -> dict[str, Any]:
        """How long things last, and what is called when."""
        return {
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": self.process.drain_seconds + FINISH_SECONDS,
            "when_ready": lambda _arbiter: self.hooks.started(),
            "post_worker_init": lambda _worker: self.hooks.working(),
            "worker_exit": lambda _arbiter, _worker: self.hooks.ended(),
        }

    @staticmethod
    def _limits() -> dict[str, Any]:
        """What a client may send, and what of gunicorn stays off. No proxy is before us: no header speaks for one."""
        return {
            "limit_request_line": 2048,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "logger_class": _Log,
        }


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's worker with threads, for whom what the client got wrong is never a 5xx, and who leaves politely."""

    drain_seconds = 0

    def __init__(self, *arguments: Any) -> None:
        """As gunicorn does."""
        super().__init__(*arguments)
        self.leaving = False
        self.under_way: set[Any] = set()

    def handle_exit(self, sig: int, frame: object) -> None:
        """At the first SIGTERM serves on for a while, and closes each connection with its answer; then stops."""
        if self.leaving or not self.drain_seconds:
            self._leave()
            super().handle_exit(sig, frame)
            return
        self._leave()
        timer = Timer(self.drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()

    def handle_request(self, req: Any, conn: object) -> Any:
        """Answers one request."""
        self.under_way.add(req)
        try:
            if self.leaving:
                req.force_close()
            return super().handle_request(req, conn)
        finally:
            self.under_way.discard(req)

    def _leave(self) -> None:
        """From now on, each answer says `Connection: close`, those under way too."""
        self.leaving = True
        for req in list(self.under_way):
            req.force_close()

    def handle_error(self, req: object, client: object, addr: object, exc: Exception) -> None:
        """Refuses what could not be read as a request; an unknown transfer coding, too, with 400 instead of 501."""
        found = InvalidHeader("TRANSFER-ENCODING") if isinstance(exc, UnsupportedTransferCoding) else exc
        super().handle_error(req, client, addr, found)


class _Log(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log without handlers of its own: `gunicorn.error` goes where our log goes; no access log."""

    def setup(self, cfg: Any) -> None:
        """Adds nothing to what was set up before."""
        self.cfg = cfg
