"""A webhook server in the place of our Pods: notes who asked, and admits everything; answers the leader's probe."""

import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from certs.encode import cert_pem, key_pem
from certs.issue import SERVER, Dates, Profile, make_ca, make_leaf
from rig.control_plane import ControlPlane
from tests.live.helm import NAMESPACE
from webhook.leader.probe_challenge import challenge_of, mark_of, patch_of

POD_ADDRESS = "10.244.200.1"


class Recorder(ThreadingHTTPServer):
    """Notes (path, request) of each review. identity: of the installation whose probes are answered, '' for none."""

    daemon_threads = True
    identity = ""

    def __init__(self, host: str, folder: Path) -> None:
        """host: the TLS name that the API server wants. folder: for the certificate."""
        super().__init__(("127.0.0.1", 0), _Admits)
        dates = Dates.around(datetime.now(UTC), days=30)
        ca = make_ca(dates, Profile("recorder", usages=None, is_ca=True))
        leaf = make_leaf(ca, dates, Profile(host, usages=(SERVER,), hosts=(host,)))
        self.bundle = cert_pem(ca)
        self.reviews: list[tuple[str, Any]] = []
        (folder / "recorder.crt").write_bytes(cert_pem(leaf))
        (folder / "recorder.key").write_bytes(key_pem(leaf))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "recorder.crt", folder / "recorder.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def met(self) -> dict[str, set[str]]:
        """The paths that were asked since the last time, by the name of the object."""
        taken, self.reviews = self.reviews, []
        found: dict[str, set[str]] = {}
        for path, request in taken:
            found.setdefault(name_of(request), set()).add(path)
        return found


def name_of(request: Mapping[str, Any]) -> str:
    """The name of a review's object; before it has one, how it will begin."""
    metadata = (request.get("object") or {}).get("metadata", {})
    return str(request.get("name") or metadata.get("name") or metadata.get("generateName"))


class _Admits(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answers."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        recorder = cast(Recorder, self.server)
        path = self.path.lstrip("/").partition("?")[0]
        recorder.reviews.append((path, review["request"]))
        response = {"uid": review["request"]["uid"], "allowed": True}
        response |= _to_probe(path, review["request"].get("object") or {}, recorder.identity)
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the base class names it
        """Says nothing."""


def _to_probe(path: str, manifest: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """What the answer to a probe of that installation says beside its uid, as our server answers."""
    challenge = challenge_of(manifest)
    if not challenge or challenge.identity != identity:
        return {}
    if path == "mutate":
        patch = b64encode(json.dumps(patch_of(challenge)).encode()).decode()
        return {"patchType": "JSONPatch", "patch": patch}
    status = {"code": 403, "reason": "Forbidden", "message": f"{challenge.answer} {mark_of(manifest)}"}
    return {"allowed": False, "status": status}


@contextmanager
def recording(host: str, folder: Path) -> Iterator[Recorder]:
    """A recorder that listens."""
    server = Recorder(host, folder)
    threading.Thread(target=server.serve_forever, name="recorder", daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def stand_in(plane: ControlPlane, recorder: Recorder, service: str, port_name: str) -> None:
    """Makes the recorder what the Service leads to. port_name: of the Service's port."""
    lead_to(plane, service, port_name, recorder.server_port)


def lead_to(plane: ControlPlane, service: str, port_name: str, port: int) -> None:
    """Makes a port of this machine what the Service leads to."""
    plane.route(POD_ADDRESS, f"127.0.0.1:{port}")
    plane.apply(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "recorder",
                "namespace": NAMESPACE,
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": "IPv4",
            "ports": [{"name": port_name, "port": port}],
            "endpoints": [{"addresses": [POD_ADDRESS], "conditions": {"ready": True}}],
        }
    )
