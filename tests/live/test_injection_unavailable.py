"""Where injection does not happen, a workload that opts in is refused with the reason: on a real API server.

Replicas follow the webhook configurations; `check --live` reads them once.
"""

import json
import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until
from tests.live.guard import Guard
from tests.live.helm import injecting, render
from tests.live.mesh_objects import Object, namespace, partner, rule, secret, workload
from webhook.cli import group
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.resource import MUTATING, VALIDATING

pytestmark = pytest.mark.slow

NAME = "before-istio-mtls-guard"
MISSING = "injection is not installed (no MutatingWebhookConfiguration has inject.mtls-guard.io)"
EXCLUDED = f"MutatingWebhookConfiguration {NAME} excludes namespace istio-system"
UNVERIFIED = f"MutatingWebhookConfiguration {NAME} has no CA bundle"
ENABLE = "set injection.enabled of the chart"
INCLUDE = "take istio-system out of webhook.excludedNamespaces"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A cluster with a team whose partner is reached with files in /etc/one, and the same in Istio's own namespace."""
    with control_plane(Options(controllers=False)) as running:
        running.apply_istio_crds()
        for team in ("devel", "istio-system"):
            running.apply(namespace(team), partner("one", team), rule("one", "/etc/one", team), secret("one", team))
        yield running


@pytest.fixture(scope="module")
def admission(plane: ControlPlane) -> Iterator[ApiClient]:
    """The administrator, whose workloads a replica is asked about."""
    guard = Guard(plane)
    until(lambda: guard.ask("/readyz") == (200, "ok\n"), "the view is in sync")
    api = ApiClient(from_kubeconfig(plane.kubeconfig))
    api.create(VALIDATING, guard.entry())
    until(lambda: refusal(plane, asking("probe")), "the replica is asked")
    yield api
    guard.child.stop()


@pytest.fixture
def configuration(admission: ApiClient, plane: ControlPlane) -> Iterator[Object]:
    """mtls-guard's own, as the chart's leader applies it; no test leaves one behind."""
    entries = injecting(render())
    for entry in entries["webhooks"]:
        entry["clientConfig"]["caBundle"] = bundle(admission)
        entry["failurePolicy"] = "Ignore"
    yield entries
    plane.kubectl("delete", "mutatingwebhookconfiguration", NAME, "--ignore-not-found")


def bundle(api: ApiClient) -> str:
    """A CA bundle that the API server takes."""
    return str(api.get(VALIDATING, "", "guard")["webhooks"][0]["clientConfig"]["caBundle"])


def asking(name: str, team: str = "devel", template: str = "") -> Object:
    """A Deployment that asks for Secret one. template: the injection template of a gateway."""
    made = workload(name, "/etc/one", "one", team)
    pod = made["spec"]["template"]
    pod["metadata"]["annotations"] = {"mtls-guard.io/client-secret": "one"}
    if template:
        pod["metadata"]["annotations"]["inject.istio.io/templates"] = template
        pod["spec"]["containers"] = [{"name": "istio-proxy", "image": "auto"}]
    return made


def refusal(plane: ControlPlane, manifest: Object) -> str:
    """What kubectl shows of the refusal of the workload on a dry run, on one line; '' when it is admitted."""
    create = ("create", "--dry-run=server", "-f", "-")
    answer = plane.kubectl(*create, stdin=json.dumps(manifest), check=False)
    return re.sub(r"\s+", " ", answer.stderr) if answer.returncode else ""


def expect(plane: ControlPlane, manifest: Object, reason: str, remedy: str) -> None:
    """The refusal says why injection does not happen, what is lacking, and both ways out."""
    team = manifest["metadata"]["namespace"]
    until(lambda: reason in refusal(plane, manifest), "the reason is said", 10)
    text = refusal(plane, manifest)
    assert f"{reason}: Pods lack the files of DestinationRule {team}/one" in text
    assert f'mount "one" by hand, or {remedy}' in text
    assert "injection-unavailable" in text
    assert "file-not-mounted" not in text


def checked(plane: ControlPlane) -> list[tuple[str, str, str]]:
    """What `check --live` reports of workloads: name, rule and problem."""
    asked = ["check", "--live", "--kubeconfig", str(plane.kubeconfig), "-o", "json"]
    verdicts = json.loads(CliRunner().invoke(group, asked).stdout)["verdicts"]
    deployments = [one for one in verdicts if one["object"]["kind"] == "Deployment"]
    return [(one["object"]["name"], each["rule"], each["problem"]) for one in deployments for each in one["findings"]]


def stored(plane: ControlPlane, manifest: Object) -> None:
    """Stores it although it is refused: as what was there before the configuration went."""
    plane.kubectl("delete", "validatingwebhookconfiguration", "guard")
    plane.apply(manifest)


@pytest.mark.usefixtures("admission")
def test_opt_in_is_refused_without_the_configuration(plane: ControlPlane) -> None:
    """As with `injection.enabled: false`."""
    expect(plane, asking("a"), MISSING, ENABLE)


def test_with_it_the_workload_is_admitted_until_it_is_deleted(
    plane: ControlPlane, admission: ApiClient, configuration: Object
) -> None:
    admission.create(MUTATING, configuration)
    until(lambda: not refusal(plane, asking("a")), "injection counts", 10)
    admission.delete(MUTATING, "", NAME)
    expect(plane, asking("a"), MISSING, ENABLE)


def test_a_gateway_in_an_excluded_namespace_is_told_so(
    plane: ControlPlane, admission: ApiClient, configuration: Object
) -> None:
    admission.create(MUTATING, configuration)
    expect(plane, asking("gateway", "istio-system", "gateway"), EXCLUDED, INCLUDE)
    assert refusal(plane, asking("a")) == ""


def test_a_configuration_without_a_ca_bundle_is_reported(
    plane: ControlPlane, admission: ApiClient, configuration: Object
) -> None:
    for entry in configuration["webhooks"]:
        del entry["clientConfig"]["caBundle"]
    admission.create(MUTATING, configuration)
    expect(plane, asking("a"), UNVERIFIED, "see mtls-guard doctor")


def test_check_live_reports_the_same(admission: ApiClient, plane: ControlPlane, configuration: Object) -> None:
    """The last test: it takes the replica out of the way, to store what it would refuse."""
    stored(plane, asking("a"))
    plane.apply(asking("gateway", "istio-system", "gateway"))
    lacks = "Pods lack the files of DestinationRule"
    rule_id = "injection-unavailable"
    assert checked(plane) == [
        ("a", rule_id, f"{MISSING}: {lacks} devel/one"),
        ("gateway", rule_id, f"{MISSING}: {lacks} istio-system/one"),
    ]
    admission.create(MUTATING, configuration)
    assert checked(plane) == [("gateway", rule_id, f"{EXCLUDED}: {lacks} istio-system/one")]
