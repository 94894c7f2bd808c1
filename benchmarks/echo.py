"""`python -m benchmarks.echo CERT KEY`: a webhook that answers without looking, on the server that ours runs on.

The yardstick for ours: Flask parses the review and echoes its uid, and nothing is logged.
"""

import sys
from pathlib import Path

import orjson
from flask import Flask, Response, request

from webhook.serving.server import Hooks, Plain, Process, Server, take_address
from webhook.serving.tls import Certificates

THREADS = 4


def create_app() -> Flask:
    """The WSGI application: one path, every review allowed."""
    app = Flask("echo", static_folder=None)

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


def main() -> None:
    """Serves until it is stopped; the first line on stderr says where, as ours does."""
    listener = take_address("127.0.0.1", 0)
    certificates = Certificates(Path(sys.argv[1]), Path(sys.argv[2]), print)
    url = f"https://localhost:{listener.getsockname()[1]}/validate"

    def started() -> None:
        """Says where it listens."""
        print(orjson.dumps({"message": "serving", "url": url}).decode(), file=sys.stderr, flush=True)

    Server(Plain(listener, create_app()), certificates, Process(workers=1, threads=THREADS), Hooks(started)).run()


if __name__ == "__main__":
    main()
