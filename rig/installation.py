"""mtls-guard on a control plane as a company has it: the chart, installed by Helm, and its replicas running as Pods.

with control_plane() as cluster, installed(cluster) as ours:
    ours.rollout_restart()
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.control_plane import ControlPlane
from rig.helm import helm
from rig.node import Node, demand_sandbox, node
from rig.pod import Pod
from rig.waiting import until

CHART = Path(__file__).resolve().parent.parent / "charts" / "mtls-guard"
NAME = NAMESPACE = "mtls-guard"
READY_SECONDS = 180
POLICIES = "jsonpath={.webhooks[*].failurePolicy}"


@dataclass(frozen=True, slots=True)
class Installation:
    """A release and the node that its Pods run on."""

    cluster: ControlPlane
    node: Node

    def helm(self, *arguments: str, **values: Any) -> str:
        """Helm on this release: `helm("upgrade", replicas=3)`, `helm("test")`, `helm("uninstall")`."""
        changes = arguments[0] == "upgrade"
        chart: list[str | Path] = [CHART, "--reset-values"] if changes else []
        given = values if changes else None
        return helm(*arguments, NAME, *chart, "--namespace", NAMESPACE, cluster=self.cluster, values=given)

    def pods(self) -> list[Pod]:
        """The Pods of the Deployment that have a process and are not being deleted."""
        return [pod for pod in self.node.running(f"app.kubernetes.io/name={NAME}") if not pod.ending.is_set()]

    def wait(self) -> None:
        """Waits until every replica is ready in its newest form, and the enforcing entries are `Fail`."""
        status = ("rollout", "status", f"deployment/{NAME}", "-n", NAMESPACE, f"--timeout={READY_SECONDS}s")
        self.cluster.kubectl(*status)
        until(lambda: self.policies() == {"Fail"}, "the entries enforce", READY_SECONDS)

    def rollout_restart(self) -> None:
        """Replaces every Pod, one after the other, as after a new image; returns when that is done."""
        self.cluster.kubectl("rollout", "restart", f"deployment/{NAME}", "-n", NAMESPACE)
        self.wait()

    def policies(self) -> set[str]:
        """The failure policies of the enforcing entries; none while there are no entries."""
        asked = ("get", "validatingwebhookconfiguration", f"{NAME}-enforcing", "-o", POLICIES)
        return set(self.cluster.kubectl(*asked, check=False).stdout.split())


@contextmanager
def installed(cluster: ControlPlane, values: Mapping[str, Any] | None = None) -> Iterator[Installation]:
    """The chart as shipped, or with other values, until it enforces.

    Raises:
        PartMissing: Helm is neither here nor can it be built, or Pods cannot run on this machine.
    """
    demand_sandbox()
    with node(cluster) as ours:
        install = ("install", NAME, CHART, "--namespace", NAMESPACE, "--create-namespace")
        helm(*install, cluster=cluster, values=values or {})
        found = Installation(cluster, ours)
        found.wait()
        yield found
