"""What doctor says of a replica that does not run: its Pod's own condition, as kubelet and scheduler write it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from webhook.cli import group

pytestmark = pytest.mark.slow

NAMESPACE, NAME, POD = "mtls-guard", "mtls-guard", "mtls-guard-7d9c-x2x"
IMAGE = "ghcr.io/mtls-guard/mtls-guard:0.1.0"
LABELS = {"app.kubernetes.io/name": NAME}
CONTAINER = {
    "name": NAME,
    "image": IMAGE,
    "ports": [{"name": "webhook", "containerPort": 10250}, {"name": "metrics", "containerPort": 8080}],
}
KUBECTL = f"kubectl -n {NAMESPACE}"
UPGRADE = f"helm upgrade {NAME} charts/mtls-guard -n {NAMESPACE} --reset-then-reuse-values --force-conflicts"
NO_NODE = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims."


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server with a Deployment and a Pod, on which we are the kubelet and the scheduler."""
    with control_plane(Options(controllers=False)) as cluster:
        cluster.kubectl("create", "namespace", NAMESPACE)
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}}
        spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
        metadata = {"name": NAME, "namespace": NAMESPACE}
        cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
        yield cluster


@pytest.fixture
def pod(plane: ControlPlane) -> Iterator[str]:
    """The Pod, fresh; its uid."""
    metadata = {"name": POD, "namespace": NAMESPACE, "labels": LABELS}
    plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [CONTAINER]}})
    yield plane.get("pod", POD, "-n", NAMESPACE)["metadata"]["uid"]
    plane.kubectl("delete", "pod", POD, "-n", NAMESPACE, "--force", "--grace-period=0", "--ignore-not-found")


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """A status with a container that waits."""
    container = {"name": NAME, "ready": False, "restartCount": 0, "image": IMAGE, "imageID": ""}
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [{**container, "state": {"waiting": {"reason": reason, "message": message}}, **more}],
    }


def ended(reason: str, code: int, message: str = "") -> dict[str, Any]:
    """How a container ended before."""
    terminated = {"reason": reason, "exitCode": code, "message": message, "containerID": "containerd://a"}
    return {"restartCount": 3, "lastState": {"terminated": terminated}}


def status(plane: ControlPlane, content: Mapping[str, Any]) -> None:
    """Writes the status of the Pod."""
    sent = json.dumps({"status": content})
    plane.kubectl("patch", "pod", POD, "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p", sent)


def said(plane: ControlPlane) -> list[str]:
    """What doctor says of the replica, and what it says to type."""
    result = CliRunner().invoke(group, ["doctor", "--kubeconfig", str(plane.kubeconfig)])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    start = next(number for number, line in enumerate(lines) if f"  replica {POD}: " in line)
    return [lines[start], *([lines[start + 1].strip()] if lines[start + 1].startswith(" ") else [])]


PULL = (
    f'{KUBECTL} describe pod {POD}; the nodes must be able to pull "{IMAGE}": see image and imagePullSecrets in values'
)
STATES: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
    "no scheduler": (
        {"phase": "Pending"},
        "Pending: no scheduler has looked at it yet",
        f"{KUBECTL} describe pod {POD}",
    ),
    "no node": (
        {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_NODE}],
        },
        f"Unschedulable: {NO_NODE}",
        f"{KUBECTL} describe pod {POD}; see resources, nodeSelector, tolerations, affinity and hostNetwork in values",
    ),
    "no such image": (
        waiting("ErrImagePull", f'failed to pull and unpack image "{IMAGE}": not found'),
        f'ErrImagePull: failed to pull and unpack image "{IMAGE}": not found',
        PULL,
    ),
    "no such image, for longer": (
        waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'),
        f'ImagePullBackOff: Back-off pulling image "{IMAGE}"',
        PULL,
    ),
    "starting": (waiting("ContainerCreating"), "ContainerCreating", f"{KUBECTL} describe pod {POD}"),
    "a Secret that is missing in its environment": (
        waiting("CreateContainerConfigError", 'secret "a" not found'),
        'CreateContainerConfigError: secret "a" not found',
        f"{KUBECTL} describe pod {POD}",
    ),
    "it crashes": (
        {
            **waiting("CrashLoopBackOff", "back-off 40s restarting", **ended("Error", 2, "no policy\n")),
            "phase": "Running",
        },
        "CrashLoopBackOff: the container ended: Error (exit code 2): no policy",
        f"its last words: {KUBECTL} logs {POD} --previous --tail=20",
    ),
    "too little memory": (
        {**waiting("CrashLoopBackOff", "back-off 40s", **ended("OOMKilled", 137)), "phase": "Running"},
        "OOMKilled: OOMKilled (exit code 137), CrashLoopBackOff",
        f"it needs more memory: {UPGRADE} --set resources.limits.memory=768Mi",
    ),
}


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize("case", STATES.values(), ids=STATES)
def test_replica_that_does_not_run_shows_its_condition(
    plane: ControlPlane, case: tuple[Mapping[str, Any], str, str]
) -> None:
    content, told, remedy = case
    status(plane, content)
    assert said(plane) == [f"NO  replica {POD}: {told}", remedy]


def test_newest_event_explains_container_creating(plane: ControlPlane, pod: str) -> None:
    status(plane, waiting("ContainerCreating"))
    missing = 'MountVolume.SetUp failed for volume "serving" : secret "mtls-guard-serving" not found'
    for number, (kind, message) in enumerate((("Warning", "an old one"), ("Warning", missing), ("Normal", "assigned"))):
        plane.apply(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{POD}.{number}", "namespace": NAMESPACE},
                "involvedObject": {"kind": "Pod", "name": POD, "namespace": NAMESPACE, "uid": pod},
                "reason": "FailedMount" if kind == "Warning" else "Scheduled",
                "message": message,
                "type": kind,
                "firstTimestamp": f"2026-11-30T12:00:0{number}Z",
                "lastTimestamp": f"2026-11-30T12:00:0{number}Z",
            }
        )
    assert said(plane)[0] == f"NO  replica {POD}: ContainerCreating: FailedMount: {missing}"


@pytest.mark.usefixtures("pod")
def test_a_pod_that_was_evicted_is_no_fault_and_can_be_deleted(plane: ControlPlane) -> None:
    message = "The node was low on resource: memory."
    status(plane, {"phase": "Failed", "reason": "Evicted", "message": message})
    line, remedy = said(plane)
    assert line == f"??  replica {POD}: Evicted: {message} (the ReplicaSet makes another in its place)"
    for _ in range(2):
        plane.kubectl(*shlex.split(remedy)[1:])


def test_where_no_pod_can_be_created_the_reason_is_told(plane: ControlPlane) -> None:
    message = (
        'pods "mtls-guard-7d9c-" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=0, limited: pods=0'
    )
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    patch = json.dumps({"status": {"conditions": [failure]}})
    plane.kubectl("patch", "deployment", NAME, "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p", patch)
    lines = CliRunner().invoke(group, ["doctor", "--kubeconfig", str(plane.kubeconfig)]).output.splitlines()
    assert lines[0] == f"NO  replicas: 0 of 1 replicas are ready; no Pod can be created: {message}"
    assert lines[1].strip() == f"{KUBECTL} describe deployment {NAME}"
