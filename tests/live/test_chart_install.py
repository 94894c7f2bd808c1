"""The chart on a real API server, through the real Helm: install, upgrade, rollback, uninstall; our Pods are played.

What the leader does is done by its own code, with the rights that the chart gives it.
"""

import base64
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rig.control_plane import ControlPlane, KubectlFailed, control_plane
from rig.helm import helm
from rig.waiting import until
from tests.live.entry_objects import VOLUMES, workload
from tests.live.helm import NAMESPACE
from tests.live.recorder import Recorder, recording, stand_in
from tests.live.replicas import TOP
from tools.chart import CHART
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import Forbidden
from webhook.kubeapi.resource import MUTATING, VALIDATING
from webhook.leader.ca_bundle_plan import blocks_of
from webhook.leader.ca_bundles import CaBundleStore, WebhookConfigurationName
from webhook.leader.enforcement import EnforcementReconciler
from webhook.leader.installation import Installation

pytestmark = pytest.mark.slow

NAME = "mtls-guard"
ENFORCING = f"{NAME}-enforcing"
INJECTING = f"before-istio-{NAME}"
INSTALL = (TOP / "docs" / "install.md").read_text(encoding="utf-8")
DECLARES = workload("Deployment", "default", VOLUMES)


@dataclass(frozen=True, slots=True)
class Installed:
    """A release, and what its leader does."""

    plane: ControlPlane
    recorder: Recorder
    keeping: EnforcementReconciler
    bundles: CaBundleStore

    def lead(self) -> None:
        """Rounds of the leader until everything enforces."""
        self.keeping.keep()
        self.publish()
        until(self._enforces, "the probe is denied", 60)
        self.publish()

    def publish(self) -> None:
        """Lets every entry trust the recorder."""
        at = datetime.now(UTC)
        self.bundles.write(self.bundles.read(at), blocks_of(self.recorder.bundle), at)

    def _enforces(self) -> bool:
        self.keeping.prove()
        return all(kept.enforces for kept in self.keeping.kept.values())

    def helm(self, *arguments: str, **values: Any) -> str:
        """Helm on this release."""
        given = {"values": values} if arguments[0] == "upgrade" else {}
        chart: list[str | Path] = [CHART, "--reset-values"] if arguments[0] == "upgrade" else []
        return helm(*arguments, NAME, *chart, "--namespace", NAMESPACE, cluster=self.plane, **given)


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane with Istio's CRDs, for one release after the other."""
    with control_plane() as found:
        found.apply_istio_crds()
        yield found


@pytest.fixture(scope="module")
def release(plane: ControlPlane) -> Iterator[Installed]:
    """The chart, installed as shipped."""
    with installed(plane) as found:
        yield found


@contextmanager
def installed(plane: ControlPlane, chart: Path = CHART) -> Iterator[Installed]:
    """A release that nothing but Helm has touched yet."""
    with recording(f"{NAME}.{NAMESPACE}.svc", plane.folder) as recorder:
        helm("install", NAME, chart, "--namespace", NAMESPACE, "--create-namespace", cluster=plane)
        stand_in(plane, recorder, NAME, "https-webhook")
        api = ApiClient(from_kubeconfig(plane.account_kubeconfig(NAMESPACE, NAME)))
        leader = EnforcementReconciler(api, Installation(NAMESPACE, NAME, NAMESPACE), lambda *_: None)
        recorder.identity = leader.installation.identity
        validating = [WebhookConfigurationName(VALIDATING, name) for name in (NAME, ENFORCING)]
        bundles = CaBundleStore(api, [*validating, WebhookConfigurationName(MUTATING, leader.installation.injecting)])
        yield Installed(plane, recorder, leader, bundles)


def entries(plane: ControlPlane, name: str) -> list[dict[str, Any]]:
    """The entries of a configuration."""
    kind = "mutatingwebhookconfiguration" if name == INJECTING else "validatingwebhookconfiguration"
    found: list[dict[str, Any]] = plane.get(kind, name)["webhooks"]
    return found


def policies(plane: ControlPlane, name: str) -> set[str]:
    """The failure policies of its entries."""
    return {entry["failurePolicy"] for entry in entries(plane, name)}


def bundles(plane: ControlPlane, name: str) -> set[bytes]:
    """The CA bundles of its entries."""
    return {base64.b64decode(entry["clientConfig"].get("caBundle", "")) for entry in entries(plane, name)}


def named(version: str, kind: str, **metadata: str) -> dict[str, Any]:
    """An object that is nothing but a name."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "a", **metadata}}


def exists(plane: ControlPlane, *arguments: str) -> bool:
    """Whether kubectl finds it."""
    return plane.kubectl("get", *arguments, check=False).returncode == 0


def test_an_install_enforces_nothing_yet(release: Installed) -> None:
    assert policies(release.plane, NAME) == {"Ignore"}
    assert not exists(release.plane, "validatingwebhookconfiguration", ENFORCING)
    assert not exists(release.plane, "mutatingwebhookconfiguration", INJECTING)


def test_chart_rights_suffice_for_the_leader(release: Installed) -> None:
    release.lead()
    assert policies(release.plane, ENFORCING) == policies(release.plane, INJECTING) == {"Fail"}
    for name in (NAME, ENFORCING, INJECTING):
        assert bundles(release.plane, name) == {release.recorder.bundle}


@pytest.mark.parametrize(
    "refused",
    [
        "list secrets",
        "watch secrets",
        "list secrets -n mtls-guard",
        "update secrets/other -n mtls-guard",
        "get leases/other -n mtls-guard",
        "create validatingwebhookconfigurations/other",
        "delete validatingwebhookconfigurations/mtls-guard",
        "patch validatingwebhookconfigurations/other",
        "patch mutatingwebhookconfigurations/istio-sidecar-injector",
        "create destinationrules -n default",
        "update destinationrules -n mtls-guard",
        "create pods",
        "update deployments -n mtls-guard",
    ],
)
def test_the_chart_gives_no_right_that_is_not_needed(release: Installed, refused: str) -> None:
    verb, what, *where = refused.split()
    account = f"--as=system:serviceaccount:{NAMESPACE}:{NAME}"
    answer = release.plane.kubectl("auth", "can-i", verb, what, *(where or ["-A"]), account, check=False)
    assert answer.stdout.strip() == "no"


def test_upgrades_meet_no_conflict_once_we_enforce_and_keep_it(release: Installed) -> None:
    release.lead()
    for seconds in (4, 5):
        release.helm("upgrade", webhook={"timeoutSeconds": seconds})
        release.keeping.keep()
        assert policies(release.plane, NAME) == {"Ignore"}
        assert policies(release.plane, ENFORCING) == {"Fail"}
        assert bundles(release.plane, NAME) == bundles(release.plane, ENFORCING) == {release.recorder.bundle}
        for name in (NAME, ENFORCING):
            assert {entry["timeoutSeconds"] for entry in entries(release.plane, name)} == {seconds}


def test_a_rollback_keeps_the_ca(release: Installed) -> None:
    release.lead()
    before = entries(release.plane, NAME)
    release.helm("upgrade", webhook={"entries": {"istio": False, "secrets": True}})
    assert entries(release.plane, NAME) != before
    release.helm("rollback")
    release.keeping.keep()
    assert entries(release.plane, NAME) == before
    assert bundles(release.plane, NAME) == bundles(release.plane, ENFORCING) == {release.recorder.bundle}
    assert policies(release.plane, ENFORCING) == {"Fail"}


def test_injection_can_be_turned_off_and_on_again(release: Installed) -> None:
    release.lead()
    release.helm("upgrade", injection={"enabled": False})
    release.lead()
    assert not exists(release.plane, "mutatingwebhookconfiguration", INJECTING)
    release.helm("upgrade")
    release.lead()
    assert policies(release.plane, INJECTING) == {"Fail"}
    assert bundles(release.plane, INJECTING) == {release.recorder.bundle}


def test_certificate_mode_changes_without_conflict(
    release: Installed,
) -> None:
    release.lead()
    text = release.recorder.bundle.decode()
    values = {"mode": "existing", "existing": {"secretName": "mine", "caBundle": text}}
    release.helm("upgrade", certificate=values)
    release.helm("upgrade", certificate=values, webhook={"timeoutSeconds": 4})
    release.keeping.keep()
    assert release.keeping.stated
    assert blocks_of(release.keeping.stated.authorities) == blocks_of(release.recorder.bundle)
    for name in (NAME, ENFORCING, INJECTING):
        assert bundles(release.plane, name) == {release.recorder.bundle}
    release.helm("upgrade")
    release.lead()
    assert bundles(release.plane, NAME) == {release.recorder.bundle}


def test_values_can_take_enforcement_back(release: Installed) -> None:
    release.lead()
    release.helm("upgrade", webhook={"failurePolicy": "Ignore"})
    release.keeping.keep()
    assert policies(release.plane, ENFORCING) == {"Ignore"}
    release.helm("upgrade")
    release.lead()
    assert policies(release.plane, ENFORCING) == {"Fail"}


def test_enforcing_without_a_pod_of_ours_stops_only_what_uses_us(release: Installed) -> None:
    """As after a full restart of the cluster: the entries stand, and nobody answers."""
    release.lead()
    plane = release.plane
    plane.unroute("10.244.200.1")
    try:
        plane.api_server.kill()
        plane.start_api_server()
        with pytest.raises(KubectlFailed, match=r"failed calling webhook .workloads\.mtls-guard\.io"):
            plane.apply(DECLARES)
        for place in ("default", "kube-system", NAMESPACE):
            plane.apply(workload("Pod", place), workload("DaemonSet", place))
        plane.kubectl("-n", NAMESPACE, "rollout", "restart", f"deployment/{NAME}")
        plane.kubectl("-n", NAMESPACE, "scale", "--replicas=1", f"deployment/{NAME}")
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "a", "namespace": "default"},
        }
        plane.apply(lease, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}})
        plane.kubectl("create", "namespace", "short-lived")
        plane.kubectl("delete", "namespace", "short-lived", "--timeout=60s")
    finally:
        stand_in(plane, release.recorder, NAME, "https-webhook")


def test_an_uninstall_leaves_nothing_that_blocks_anyone(plane: ControlPlane, release: Installed) -> None:
    """The last test of this release."""
    release.lead()
    plane.unroute("10.244.200.1")
    release.helm("uninstall")
    until(lambda: not exists(plane, "validatingwebhookconfiguration", ENFORCING), "it was collected")
    with pytest.raises(Forbidden):
        release.keeping.keep()
    plane.apply(DECLARES)
    configurations = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
    kinds = f"{configurations},clusterroles,clusterrolebindings,roles,rolebindings,deployments,services"
    assert plane.get(kinds, "-A", "-l", "app.kubernetes.io/part-of=mtls-guard")["items"] == []


EARLIER = """
{{- if .Values.injection.enabled }}
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: before-istio-{{ include "mtls-guard.fullname" . }}
  labels:
    {{- include "mtls-guard.labels" . | nindent 4 }}
webhooks:
  {{- include "mtls-guard.injectingEntries" . | trim | nindent 2 }}
{{- end }}
"""


@pytest.fixture
def earlier(plane: ControlPlane, tmp_path: Path) -> Iterator[Installed]:
    """A release of a chart whose mutating configuration is Helm's, enforcing; the one of before is gone."""
    chart = Path(shutil.copytree(CHART, tmp_path / NAME))
    (chart / "templates" / "earlier.yaml").write_text(EARLIER, encoding="utf-8")
    webhooks = chart / "templates" / "webhooks.yaml"
    head, _, rest = webhooks.read_text(encoding="utf-8").partition("  {{- if .Values.injection.enabled }}")
    webhooks.write_text(head, encoding="utf-8")
    assert "telling.yaml" in rest
    with installed(plane, chart) as release:
        release.lead()
        yield release
        release.helm("uninstall")
        until(lambda: not exists(plane, "validatingwebhookconfiguration", ENFORCING), "it was collected")
        until(lambda: not exists(plane, "mutatingwebhookconfiguration", INJECTING), "so was the other one")


def live(plane: ControlPlane) -> dict[str, Any]:
    """The metadata of the mutating configuration."""
    metadata: dict[str, Any] = plane.get("mutatingwebhookconfiguration", INJECTING)["metadata"]
    return metadata


@pytest.mark.parametrize("kept", [True, False])
def test_upgrade_from_chart_with_mutating_configuration(earlier: Installed, kept: bool) -> None:
    """With the annotation of docs/install.md it stays all the time; without it, the leader brings it back."""
    plane, before = earlier.plane, live(earlier.plane)["uid"]
    assert policies(plane, INJECTING) == {"Fail"}
    if kept:
        (annotate,) = [line for line in INSTALL.splitlines() if line.startswith("kubectl annotate")]
        plane.kubectl(*shlex.split(annotate)[1:])
    earlier.helm("upgrade")
    assert exists(plane, "mutatingwebhookconfiguration", INJECTING) is kept
    earlier.lead()
    assert policies(plane, INJECTING) == {"Fail"}
    assert (live(plane)["uid"] == before) is kept
    assert [owner["kind"] for owner in live(plane)["ownerReferences"]] == ["ClusterRole"]
    words = ("name", "managed-by", "part-of")
    assert live(plane)["labels"] == {f"app.kubernetes.io/{word}": NAME for word in words}
    adopted = live(plane)["uid"]
    earlier.helm("upgrade")  # Helm does not know it any more
    assert live(plane)["uid"] == adopted


def test_rollback_to_chart_with_mutating_configuration(earlier: Installed) -> None:
    plane = earlier.plane
    earlier.helm("upgrade")
    earlier.lead()
    plane.kubectl("delete", "mutatingwebhookconfiguration", INJECTING)
    earlier.helm("rollback")
    earlier.keeping.keep()
    assert live(plane).get("ownerReferences") is None
    assert live(plane)["labels"]["app.kubernetes.io/managed-by"] == "Helm"
