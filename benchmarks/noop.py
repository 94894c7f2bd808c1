"""`python -m benchmarks.noop CERT KEY`: a Flask handler that does nothing, on stock gunicorn with 8 threads.

The yardstick for ours: Flask parses the review and echoes its uid, and nothing is logged.
"""

import socket
import sys
from typing import Any

import orjson
from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication

THREADS = 8
KEEP_ALIVE_SECONDS = 120
"""gunicorn's own 2 s would close the API server's connections while it keeps them."""


def create_app() -> Flask:
    """The WSGI application: every review is allowed."""
    app = Flask("noop", static_folder=None)

    @app.post("/validate")
    @app.post("/mutate")
    def validate() -> Response:
        """Allows whatever it is asked."""
        uid = orjson.loads(request.get_data())["request"]["uid"]
        reply = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": uid, "allowed": True},
        }
        return Response(orjson.dumps(reply), 200, content_type="application/json")

    return app


class Stock(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn as it comes, on a socket that is bound already."""

    def __init__(self, listener: socket.socket, certificate: str, key: str) -> None:
        """Its settings."""
        self.app = create_app()
        self.url = f"https://localhost:{listener.getsockname()[1]}/validate"
        self.settings = {
            "bind": f"fd://{listener.detach()}",
            "certfile": certificate,
            "keyfile": key,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "loglevel": "critical",
            "control_socket_disable": True,
            "when_ready": self._ready,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hands gunicorn its settings."""
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The WSGI application."""
        return self.app

    def _ready(self, _arbiter: Any) -> None:
        """Says where it listens, as ours does."""
        print(orjson.dumps({"message": "serving", "url": self.url}).decode(), file=sys.stderr, flush=True)


def main() -> None:
    """Serves until it is stopped."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    Stock(listener, sys.argv[1], sys.argv[2]).run()


if __name__ == "__main__":
    main()
