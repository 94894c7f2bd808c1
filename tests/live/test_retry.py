"""The API server sends a review again when the answer says so, and mtls-guard counts on it."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from examples import material
from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until
from tests.endpoint import Served, serving
from tests.live.mesh_objects import DEPLOYMENTS, Object, namespace, workload
from tests.test_web import Notes, allow
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import VALIDATING
from webhook.serving.limits import ConnectionLimits
from webhook.serving.tls import load_context
from webhook.web import create_app

pytestmark = pytest.mark.slow

NAME, SECONDS = "retry", 10
APP = workload("app", "/etc/right", "one")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A cluster with one team."""
    with control_plane(Options(controllers=False)) as running:
        running.apply(namespace())
        yield running


def entry(bundle: bytes, port: int) -> Object:
    """A configuration that asks the server at the port, with `Fail`."""
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["*"]}
    client = {"url": f"https://localhost:{port}/validate", "caBundle": b64encode(bundle).decode()}
    webhook = {
        "name": "retry.mtls-guard.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": SECONDS,
        "clientConfig": client,
        "rules": [rule],
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    return {**kind, "metadata": {"name": NAME}, "webhooks": [webhook]}


def said(plane: ControlPlane) -> str:
    """What the API server says when it refuses a dry run, '' when it does not."""
    try:
        ApiClient(from_kubeconfig(plane.kubeconfig)).create(DEPLOYMENTS, APP, {"dryRun": "All"})
    except ClusterError as error:
        return str(error)
    return ""


@contextmanager
def asked(
    plane: ControlPlane,
    folder: Path,
    notes: Notes,
    waits: Callable[[], str] = str,
    limits: ConnectionLimits | None = None,
) -> Iterator[Served]:
    """A server in this process that the API server asks about every Deployment, once it does."""
    material.write_webhook(folder, datetime.now(UTC))
    context = load_context(folder / "tls.crt", folder / "tls.key")
    api = ApiClient(from_kubeconfig(plane.kubeconfig))
    with serving(limits, lambda: context, waits=waits) as served:
        served.endpoint.answering.app = create_app(allow, waits, notes)
        api.create(VALIDATING, entry((folder / "ca.crt").read_bytes(), served.port))
        try:
            until(partial(_asks, plane, notes), "the API server asks")
            yield served
        finally:
            api.delete(VALIDATING, "", NAME)


def _asks(plane: ControlPlane, notes: Notes) -> bool:
    said(plane)
    return any(line[0] == "answered" for line in notes.lines)


def test_review_is_retried_until_the_server_is_ready(plane: ControlPlane, tmp_path: Path) -> None:
    notes, ready = Notes(), [0.0]
    with asked(plane, tmp_path, notes, lambda: "" if time.monotonic() > ready[0] else "the first list of pods"):
        notes.lines.clear()
        ready[0] = time.monotonic() + 1
        assert said(plane) == ""
    words = [line[0] for line in notes.lines]
    assert words[:1] == ["refused"]
    assert words[-1] == "answered"


def test_review_is_retried_after_a_full_queue(plane: ControlPlane, tmp_path: Path) -> None:
    notes = Notes()
    with asked(plane, tmp_path, notes) as served:
        put = served.endpoint.lanes[""].put
        refused: list[float] = []

        def full_once(piece: object) -> bool:
            if not refused:
                refused.append(time.monotonic())
                return False
            assert time.monotonic() - refused[0] >= 1
            return put(piece)  # type: ignore[arg-type]

        served.endpoint.lanes[""].put = full_once  # type: ignore[method-assign]
        assert said(plane) == ""
        assert served.counts.refusals == [(429, "too many requests wait (from 127.0.0.1)")]
