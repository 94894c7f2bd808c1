"""An installation from `helm install` to a denial that a person reads; a process of ours plays the Pod.

It is started with the arguments and the rights that the chart gives it, and judges the cluster as it is.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from rig.children import Child
from rig.control_plane import ControlPlane, control_plane
from rig.helm import helm
from rig.parts import have
from rig.ports import free_port
from rig.waiting import until
from tests.live.helm import NAMESPACE
from tests.live.recorder import lead_to
from tools.chart import CHART

pytestmark = pytest.mark.slow

NAME = "mtls-guard"
TEST_POD = f"{NAME}-test"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True)
class Serving:
    """A control plane with the chart, and the process that answers."""

    plane: ControlPlane
    process: Child
    metrics: int


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """The chart as shipped, until it enforces."""
    with control_plane() as plane:
        plane.apply_istio_crds()
        helm("install", NAME, CHART, "--namespace", NAMESPACE, "--create-namespace", cluster=plane)
        port, metrics = free_port(), free_port()
        given = [*arguments(plane), f"--bind=127.0.0.1:{port}", f"--metrics=127.0.0.1:{metrics}"]
        account = plane.account_kubeconfig(NAMESPACE, NAME)
        command = [sys.executable, "-c", "from webhook.main import run; run()", *given, f"--kubeconfig={account}"]
        process = plane.family.start("mtls-guard", command, plane.environment())
        lead_to(plane, NAME, "https-webhook", port)
        until(lambda: policies(plane) == {"Fail"} or not process.running, "it enforces", 120)
        assert process.running, process.said()
        yield Serving(plane, process, metrics)


def arguments(plane: ControlPlane) -> list[str]:
    """What the Deployment says, but for the ports."""
    deployment = plane.get("deployment", NAME, "-n", NAMESPACE)
    given: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return [one for one in given if not one.startswith(("--bind=", "--metrics="))]


def policies(plane: ControlPlane) -> set[str]:
    """The failure policies of the enforcing entries; none when there are no entries."""
    found = plane.kubectl("get", "validatingwebhookconfiguration", f"{NAME}-enforcing", "-o", POLICIES, check=False)
    return set(found.stdout.split())


POLICIES = "jsonpath={.webhooks[*].failurePolicy}"


def test_the_line_that_helm_prints_is_refused_with_our_text(serving: Serving) -> None:
    notes = helm("get", "notes", NAME, "--namespace", NAMESPACE, cluster=serving.plane)
    (line,) = [line.strip() for line in notes.splitlines() if line.startswith("  echo")]
    path = f"{have('kubectl').parent}:{os.environ['PATH']}"
    environment = {**serving.plane.environment(), "PATH": path}
    ran = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert 'admission webhook "workloads.mtls-guard.io" denied the request: Deployment default/broken' in ran.stderr
    assert "[annotation-not-json]" in ran.stderr


def test_helm_test_sees_a_denial(serving: Serving) -> None:
    kubelet = threading.Thread(target=run_test_pod, args=(serving.plane,), daemon=True)
    kubelet.start()
    said = helm("test", NAME, "--namespace", NAMESPACE, "--timeout", "3m", cluster=serving.plane)
    assert "Phase:          Succeeded" in said
    kubelet.join(60)


def run_test_pod(plane: ControlPlane) -> None:
    """Does for the Pod of `helm test` what a kubelet would: runs its command as its account, and tells how it ended."""
    pod = until(lambda: found_pod(plane), "the test's Pod", 120)
    account = plane.folder / "account"
    account.mkdir()
    token = plane.kubectl("create", "token", pod["spec"]["serviceAccountName"], "-n", NAMESPACE).stdout.strip()
    (account / "token").write_text(token, encoding="utf-8")
    (account / "ca.crt").write_bytes(plane.credentials.ca.read_bytes())
    container = pod["spec"]["containers"][0]
    assert container["command"] == ["python", "-c"]
    script, namespace = container["args"]
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(plane.port)}
    ran = subprocess.run(
        [sys.executable, "-c", script.replace(ACCOUNT, str(account)), namespace],
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )
    phase = "Failed" if ran.returncode else "Succeeded"
    patch = f'{{"status": {{"phase": "{phase}"}}}}'
    plane.kubectl("-n", NAMESPACE, "patch", "pod", TEST_POD, "--subresource=status", "--type=merge", "-p", patch)


def found_pod(plane: ControlPlane) -> dict[str, Any] | None:
    """The Pod of `helm test`, once it is there."""
    if plane.kubectl("get", "pod", TEST_POD, "-n", NAMESPACE, check=False).returncode:
        return None
    found: dict[str, Any] = plane.get("pod", TEST_POD, "-n", NAMESPACE)
    return found


def test_helm_test_fails_where_nobody_denies(serving: Serving) -> None:
    hooks = yaml.safe_load_all(helm("get", "hooks", NAME, "--namespace", NAMESPACE, cluster=serving.plane))
    (pod,) = [one for one in hooks if one and one["kind"] == "Pod"]
    script = pod["spec"]["containers"][0]["args"][0].replace("PATIENCE_SECONDS = 60", "PATIENCE_SECONDS = 0")
    account = serving.plane.folder / "nobody"
    ran = subprocess.run(
        [sys.executable, "-c", script.replace(ACCOUNT, str(account)), "default"],
        env={**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert "NOT denied by mtls-guard" in ran.stderr


def test_nothing_that_it_asked_for_was_forbidden(serving: Serving) -> None:
    """The rights of the chart are enough, for each kind that is followed, and for the leader."""
    log = serving.process.log.read_text(encoding="utf-8")
    assert '"message":"in sync"' in log
    assert "orbidden" not in "".join(line for line in log.splitlines() if '"verdict"' not in line)
