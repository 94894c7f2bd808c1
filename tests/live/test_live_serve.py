"""`mtls-guard serve` on a real cluster, asked by its API server: nobody is refused for a view that is behind."""

from collections.abc import Iterator, Mapping

import pytest

from examples.apiserver import review
from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until
from tests.live.guard import Guard
from tests.live.mesh_objects import DEPLOYMENTS, ENTRIES, RULES, Object, namespace, partner, rule, secret, workload
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import Forbidden
from webhook.kubeapi.resource import SECRETS, VALIDATING

pytestmark = pytest.mark.slow

WORKLOADS = 100


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A cluster with Istio's kinds and one team."""
    with control_plane(Options(controllers=False)) as running:
        running.apply_istio_crds()
        running.apply(namespace())
        yield running


@pytest.fixture(scope="module")
def guard(plane: ControlPlane) -> Iterator[Guard]:
    """Our server, which had to start while the API server was not answering."""
    plane.api_server.pause()
    try:
        running = Guard(plane)
        until(lambda: running.ask("/healthz")[0] == 200, "it listens")
        early = running.ask("/readyz"), running.ask("/validate", review("CREATE", workload("a", "/a", "a")))
    finally:
        plane.api_server.resume()
    assert early == ((503, "not ready: waiting for the API server\n"),) * 2
    until(lambda: running.ask("/readyz") == (200, "ok\n"), "the view is in sync")
    yield running
    running.child.stop()


@pytest.fixture(scope="module")
def admission(plane: ControlPlane, guard: Guard) -> ApiClient:
    """The administrator, whose workloads and rules our server is asked about."""
    api = ApiClient(from_kubeconfig(plane.kubeconfig))
    api.create(VALIDATING, guard.entry())
    unreadable = workload("probe", "/etc/probe", "nowhere")
    unreadable["spec"]["template"]["metadata"]["annotations"]["sidecar.istio.io/userVolume"] = "{"
    until(lambda: refused(api, unreadable, {"dryRun": "All"}), "our server is asked")
    return api


def refused(api: ApiClient, manifest: Object, query: Mapping[str, str] | None = None) -> str:
    """What the API server says when it refuses the workload, '' when it does not."""
    try:
        api.create(DEPLOYMENTS, manifest, query)
    except Forbidden as error:
        return str(error)
    return ""


def test_review_before_first_sync_gets_503(guard: Guard) -> None:
    """The fixture saw the 503; what failurePolicy says decides then, not a guess of ours."""
    assert guard.ask("/readyz") == (200, "ok\n")
    assert 'mtls_guard_admission_refused_total{status="503"}' in guard.measured()


def test_hundred_good_workloads_are_admitted(admission: ApiClient) -> None:
    """All in one namespace, where a rule that is not seen yet makes the mount of the next workload look like a slip."""
    for number in range(WORKLOADS):
        name, folder = f"good-{number}", f"/etc/good-{number}"
        admission.create(SECRETS, secret(name))
        admission.create(ENTRIES, partner(name))
        admission.create(RULES, rule(name, folder))
        admission.create(DEPLOYMENTS, workload(name, folder, name))


def test_a_broken_workload_is_refused_with_what_to_type(admission: ApiClient) -> None:
    admission.create(SECRETS, secret("here"))
    admission.create(ENTRIES, partner("here"))
    admission.create(RULES, rule("here", "/etc/here"))
    said = refused(admission, workload("slip", "/etc/here", "missing"))
    assert 'admission webhook "all.mtls-guard.io" denied the request' in said
    assert "Secret devel/missing" in said


def test_metrics_tell_of_reviews_and_watches(guard: Guard, admission: ApiClient) -> None:
    assert refused(admission, workload("counted", "/etc/here", "missing"))
    counted = 'mtls_guard_admission_requests_total{kind="Deployment",operation="CREATE",verdict="deny"}'
    until(lambda: counted in guard.measured(), "the review is counted")
    said = guard.measured()
    assert 'mtls_guard_watch_age_seconds{kind="destinationrules.networking.istio.io"}' in said
    assert 'mtls_guard_watch_restarts_total{kind="pods"}' in said
    assert "mtls_guard_serving_certificate_not_after_timestamp_seconds" in said
