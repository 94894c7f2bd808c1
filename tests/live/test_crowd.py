"""Our server behind a real API server, while some tenants send the largest objects, and while etcd is away."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until
from tests.live.guard import Guard
from tests.live.mesh_objects import (
    DEPLOYMENTS,
    RULES,
    TEAM,
    Object,
    declaring,
    namespace,
    partner,
    rule,
    secret,
    workload,
)
from tests.worst_config import Grown
from tests.worst_objects import GROWN
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import Resource

pytestmark = pytest.mark.slow

DRY = {"dryRun": "All"}
WRONG = declaring("app", "/etc/wrong", "one", "one")
HEAVY = ("unnamed volumes", "subsets with tls", "ports of subsets")
"""What costs most of what the API server takes, see `tests/worst_objects.py`."""
VALID = 10


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A cluster with Istio's kinds, one team whose calls work, and three others."""
    with control_plane(Options(controllers=False)) as running:
        running.apply_istio_crds()
        teams = [namespace(f"heavy-{number}") for number in range(len(HEAVY))]
        running.apply(namespace(), *teams, partner("one"), rule("one", "/etc/right"), secret("one"))
        yield running


@pytest.fixture(scope="module")
def guard(plane: ControlPlane) -> Iterator[Guard]:
    """Our server, which the API server asks."""
    running = Guard(plane)
    until(lambda: running.ask("/readyz")[0] == 200, "the view is in sync", 120)
    plane.apply(running.entry())
    until(lambda: "[file-not-mounted]" in says(connection(plane), WRONG), "our server is asked")
    yield running
    running.child.stop()


def connection(plane: ControlPlane) -> ApiClient:
    """The administrator."""
    return ApiClient(from_kubeconfig(plane.kubeconfig))


def says(api: ApiClient, manifest: Object, resource: Resource = DEPLOYMENTS) -> str:
    """What the API server says of an object, as a dry run; '' when it takes it."""
    try:
        api.create(resource, manifest, DRY)
    except ClusterError as error:
        return str(error)
    return ""


def of_tenant(number: int) -> tuple[Resource, Grown]:
    """The object that a tenant sends again and again."""
    grown = GROWN[HEAVY[number]](250)
    grown["metadata"] = {"name": "heavy", "namespace": f"heavy-{number}"}
    return (DEPLOYMENTS if grown["kind"] == "Deployment" else RULES), grown


def test_deployments_are_judged_in_time_beside_large_objects(plane: ControlPlane, guard: Guard) -> None:
    ended, sent = threading.Event(), [0] * len(HEAVY)

    def send(number: int) -> None:
        api, (resource, grown) = connection(plane), of_tenant(number)
        while not ended.is_set():
            says(api, grown, resource)
            sent[number] += 1

    with ThreadPoolExecutor(len(HEAVY)) as pool:
        tenants = [pool.submit(send, number) for number in range(len(HEAVY))]
        try:
            until(lambda: all(sent), "every tenant is under way", 60)
            api = connection(plane)
            answers = [says(api, workload(f"valid-{number}", "/etc/right", "one")) for number in range(VALID)]
        finally:
            ended.set()
        for tenant in tenants:
            tenant.result()
    assert answers == [""] * VALID
    assert 'mtls_guard_admission_not_judged_total{answer="admitted",reason="deadline"}' not in guard.measured()


def test_denials_resume_after_etcd_returns(plane: ControlPlane, guard: Guard) -> None:
    api = connection(plane)
    plane.etcd.pause()
    try:
        during = guard.ask("/validate?timeout=3s", review_of(WRONG))
    finally:
        plane.etcd.resume()
    began = monotonic()
    assert during[0] == 200
    assert '"allowed":true' in during[1]
    assert "not judged because what exists now could not be confirmed" in during[1]
    until(lambda: "[file-not-mounted]" in says(api, WRONG), "what is wrong is denied again", 30)
    print(f"denied again after {monotonic() - began:.1f} s")  # noqa: T201  # for the table in docs/operations.md


def review_of(manifest: Object) -> Object:
    """The AdmissionReview that the API server would send."""
    request = {
        "uid": "u",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "namespace": TEAM,
        "name": manifest["metadata"]["name"],
        "operation": "CREATE",
        "object": manifest,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
