"""Another mutating webhook of the company, before mtls-guard, between it and Istio, or after all: an HTTPS server.

It is never reinvoked, as is the default. It sees Pods; where injection writes into templates, it sees these, too.
"""

import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

from certs.encode import cert_pem, key_pem
from certs.issue import SERVER, Dates, Profile, make_ca, make_leaf
from prove.injection.cells import MODES, PLACES, VARIANTS
from prove.injection.objects import OTHER, WANTS, Object
from rig.control_plane import ControlPlane
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import CLIENT_SECRET, INJECT

NAMES = {"before": "a-company", "between": "between-company", "after": "zzzz-company"}
"""Of the configurations, which are called in the order of their names."""
ITS_VOLUME, ITS_PATH = "one", "/var/company"
"""Its volume has the name of a Secret."""
HOST = "localhost"
RULES = (
    ("", ("pods",), ["CREATE"]),
    ("apps", ("deployments", "statefulsets", "daemonsets"), ["CREATE", "UPDATE"]),
    ("batch", ("jobs", "cronjobs"), ["CREATE", "UPDATE"]),
)


def changed(manifest: Object, variant: str) -> None:
    """Changes the Pod, or the template, of a manifest in place."""
    pod = _pod_of(manifest)
    annotations = pod["metadata"].setdefault("annotations", {})
    if variant == "opts in":
        _opt_in(annotations)
    elif variant == "drops":
        annotations.pop(USER_VOLUME, None)
        annotations.pop(USER_VOLUME_MOUNT, None)
    elif variant == "overwrites":
        annotations[USER_VOLUME] = json.dumps([{"name": "company", "emptyDir": {}}])
        annotations[USER_VOLUME_MOUNT] = json.dumps([{"name": "company", "mountPath": ITS_PATH}])
    elif variant == "adds a volume":
        _add_volume(pod["spec"], claimed=manifest["kind"] == "StatefulSet")


def _opt_in(annotations: dict[str, str]) -> None:
    """The opt-in is what the workload says to this webhook, and goes with that: nobody else would remove it."""
    wanted = annotations.get(WANTS, "")
    opt_in = {"": {}, "true": {INJECT: "true"}}.get(wanted, {CLIENT_SECRET: wanted})
    annotations.pop(CLIENT_SECRET, None)
    if annotations.get(INJECT) == "true":
        del annotations[INJECT]
    annotations |= opt_in


def _pod_of(manifest: Object) -> Any:
    """What has the annotations and the spec of a Pod."""
    if manifest["kind"] == "Pod":
        return manifest
    spec = manifest["spec"]
    return (spec["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else spec)["template"]


def _add_volume(spec: Object, *, claimed: bool) -> None:
    """Mounts a volume in the first container; a StatefulSet has a claim of that name already."""
    mounts = spec["containers"][0].setdefault("volumeMounts", [])
    if any(mount["mountPath"] == ITS_PATH for mount in mounts):
        return
    volumes = spec.setdefault("volumes", [])
    claimed = claimed or any("persistentVolumeClaim" in volume for volume in volumes)
    name = f"{ITS_VOLUME}-too" if claimed else ITS_VOLUME
    volumes.append({"name": name, "emptyDir": {}})
    mounts.append({"name": name, "mountPath": ITS_PATH})


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answers a review at `/VARIANT's number` with a patch of the parts that it changes."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        variant = VARIANTS[int(self.path.strip("/").partition("?")[0])]
        manifest = review["request"]["object"]
        changed(manifest, variant)
        patch = [{"op": "replace", "path": f"/{part}", "value": manifest[part]} for part in ("metadata", "spec")]
        response = {"uid": review["request"]["uid"], "allowed": True, "patchType": "JSONPatch"}
        response["patch"] = b64encode(json.dumps(patch).encode()).decode()
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the base class names it
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def other_webhook(plane: ControlPlane) -> Iterator[None]:
    """The server at work, and its three configurations."""
    bundle, context = _tls(plane.folder)
    server = _Server(("127.0.0.1", 0), _Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, name="company", daemon=True).start()
    try:
        plane.apply(*(_configuration(place, server.server_port, bundle) for place in PLACES))
        yield
    finally:
        server.shutdown()
        server.server_close()


def _tls(folder: Path) -> tuple[str, ssl.SSLContext]:
    """Its CA as a bundle, and what it serves with."""
    dates = Dates.around(datetime.now(UTC), days=30)
    ca = make_ca(dates, Profile("company", usages=None, is_ca=True))
    leaf = make_leaf(ca, dates, Profile(HOST, usages=(SERVER,), hosts=(HOST,)))
    file = folder / "company.pem"
    file.touch(mode=0o600)
    file.write_bytes(cert_pem(leaf) + key_pem(leaf))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return b64encode(cert_pem(ca)).decode(), context


def _configuration(place: str, port: int, bundle: str) -> Object:
    """One entry for each variant and mode, for the namespaces that are labelled for it."""
    entries = [
        _entry(f"{place}-{number}-{mode.lower()}", f"{mode}-{place}-{number}".lower())
        | {"rules": [_rule(*rule) for rule in (RULES if mode == "Templates" else RULES[:1])]}
        | {"clientConfig": {"url": f"https://{HOST}:{port}/{number}", "caBundle": bundle}}
        for mode, number in product(MODES, range(len(VARIANTS)))
    ]
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": NAMES[place]}, "webhooks": entries}


def _entry(name: str, label: str) -> Object:
    return {
        "name": f"{name}.company.example",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
        "namespaceSelector": {"matchLabels": {OTHER: label}},
    }


def _rule(group: str, resources: tuple[str, ...], operations: list[str]) -> Object:
    return {"apiGroups": [group], "apiVersions": ["v1"], "resources": [*resources], "operations": operations}
