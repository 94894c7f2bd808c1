"""A node without a kubelet: runs the Pods of our image as processes of this machine, each in a sandbox of its own.

    with control_plane() as cluster, node(cluster) as ours:
        ...  # a Deployment of the image mtls-guard gets its Pods running, ready, behind its Service

Pods of other images stay Pending, which is all that admission needs of them.
"""

import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rig.api import Api, Refused
from rig.container import Place
from rig.control_plane import ControlPlane
from rig.credentials import API_ADDRESS
from rig.parts import PartMissing
from rig.pod import Pod, sandbox_prefix

NAME = "rig"
IMAGE = "mtls-guard"
RETRY_SECONDS = 0.2


@dataclass(eq=False)
class Node:
    """The Pods that run here, by uid."""

    cluster: ControlPlane
    api: Api
    pods: dict[str, Pod] = field(default_factory=dict)
    _addresses: int = 0
    _closed: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Takes up what the API server says of Pods, until closed; starts again after anything."""
        while not self._closed.is_set():
            try:
                listed = self.api.get("/api/v1/pods")
                for pod in listed["items"]:
                    self._take(pod)
                self._forget({pod["metadata"]["uid"] for pod in listed["items"]})
                self._watch(listed["metadata"]["resourceVersion"])
            except (OSError, Refused, ValueError):
                self._closed.wait(RETRY_SECONDS)

    def close(self) -> None:
        """Ends following; the processes end with their family."""
        self._closed.set()

    def running(self, label: str = "app.kubernetes.io/name=mtls-guard") -> list[Pod]:
        """The Pods with a label that have a process."""
        key, _, value = label.partition("=")
        return [
            pod
            for pod in list(self.pods.values())
            if pod.child and pod.child.running and pod.manifest["metadata"].get("labels", {}).get(key) == value
        ]

    def _watch(self, version: str) -> None:
        """Takes up changes until the API server ends the watch."""
        for event in self.api.watch("/api/v1/pods", version):
            if event["type"] in {"ERROR", "BOOKMARK"} or self._closed.is_set():
                return
            if event["type"] == "DELETED":
                self._end(event["object"])
            else:
                self._take(event["object"])

    def _take(self, pod: Mapping[str, Any]) -> None:
        """Binds a Pod of our image, starts one that is bound to us, ends one that is being deleted."""
        metadata, spec = pod["metadata"], pod["spec"]
        if metadata.get("deletionTimestamp"):
            self._end(pod)
        elif not spec.get("nodeName") and _is_ours(spec):
            target = {"apiVersion": "v1", "kind": "Node", "name": NAME}
            body = {"metadata": {"name": metadata["name"]}, "target": target}
            self.api.post(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding", body)
        elif spec.get("nodeName") == NAME and metadata["uid"] not in self.pods:
            self._start(pod)

    def _start(self, manifest: Mapping[str, Any]) -> None:
        """Gives a Pod an address, a route and a thread."""
        self._addresses += 1
        address = f"10.244.{self._addresses // 250}.{self._addresses % 250 + 1}"
        folder = self.cluster.folder / f"p{self._addresses}"
        folder.mkdir()
        place = Place(folder, address, self.cluster.folder / "egress.sock")
        pod = Pod(self.api, self.cluster.family, place, manifest)
        self.pods[manifest["metadata"]["uid"]] = pod
        self.cluster.route(address, folder / "dials.sock")
        threading.Thread(target=pod.live, name=pod.name, daemon=True).start()

    def _end(self, manifest: Mapping[str, Any]) -> None:
        """Lets a Pod of ours come to its end."""
        pod = self.pods.get(manifest["metadata"]["uid"])
        if pod:
            pod.end(manifest)

    def _forget(self, there: set[str]) -> None:
        """Ends Pods that went away unseen."""
        for uid, pod in list(self.pods.items()):
            if uid not in there:
                pod.end(pod.manifest)


@contextmanager
def node(cluster: ControlPlane) -> Iterator[Node]:
    """Plays a node of a control plane that has its controllers.

    Raises:
        PartMissing: this machine cannot give Pods a network and mounts of their own.
    """
    demand_sandbox()
    cluster.route(f"{API_ADDRESS}:443", f"127.0.0.1:{cluster.port}")
    cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}})
    made = Node(cluster, Api.of(cluster.kubeconfig, cluster.credentials.ca))
    threading.Thread(target=made.follow, name="node", daemon=True).start()
    try:
        yield made
    finally:
        made.close()


def demand_sandbox() -> None:
    """Raises PartMissing where namespaces are not to be had."""
    if (
        not shutil.which("unshare")
        or subprocess.run([*sandbox_prefix(), "true"], check=False, capture_output=True).returncode
    ):
        raise PartMissing(
            "replicas as Pods: need Linux with `unshare` (util-linux), and root or user namespaces "
            "(sysctl kernel.unprivileged_userns_clone=1)"
        )


def _is_ours(spec: Mapping[str, Any]) -> bool:
    """Whether a Pod's image is ours."""
    name = spec["containers"][0]["image"].rpartition("/")[2]
    return bool(name.partition("@")[0].partition(":")[0] == IMAGE)
