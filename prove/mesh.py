"""Istio on a control plane: its chart installed by Helm, and its own istiod running as a process of this machine.

    with control_plane() as cluster, mesh(cluster) as istio:
        ...  # Pods that are created pass Istio's injector; sidecars get their configuration

The released Envoy lacks Istio's own filters, so istiod is told to leave them out; they have no part in what we prove.
"""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.api import MERGE, Api
from rig.children import Child
from rig.control_plane import ControlPlane
from rig.helm import helm
from rig.parts import MANIFESTS, have
from rig.ports import free_port
from rig.waiting import until

NAMESPACE = "istio-system"
ADDRESS = "10.244.255.1"
"""The Pod that istiod would be."""
READY_SECONDS = 180
PORTS = {"grpcAddr": 15010, "secureGRPCAddr": 15012, "monitoringAddr": 15014, "httpsAddr": 15017, "httpAddr": 8080}
ENVIRONMENT = {
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "POD_NAME": "istiod",
    "POD_NAMESPACE": NAMESPACE,
    "SERVICE_ACCOUNT": "istiod",
    "REVISION": "default",
    "PILOT_CERT_PROVIDER": "istiod",
    "CLUSTER_ID": "Kubernetes",
}
VALUES: dict[str, Any] = {
    "meshConfig": {"defaultProviders": {"metrics": []}},
    "revisionTags": ["rapid"],
    "autoscaleEnabled": False,
}


MARKER = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "ServiceEntry",
    "metadata": {"name": "marker", "namespace": NAMESPACE},
    "spec": {"hosts": ["marker.example"], "exportTo": ["."], "ports": [{"number": 1, "name": "tcp"}]},
}
MARKER_PATH = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/serviceentries/marker"


@dataclass(frozen=True, slots=True)
class Mesh:
    """Istio that runs. address: the cluster address of istiod's Service. ports: real port -> where it listens here."""

    cluster: ControlPlane
    istiod: Child
    address: str
    ports: dict[int, int]

    def ask(self, path: str) -> str:
        """What istiod answers over plain http: `/debug/configz`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[8080]}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    @property
    def api(self) -> Api:
        """The API server, as the administrator."""
        return Api.of(self.cluster.kubeconfig, self.cluster.credentials.ca)

    def settle(self) -> None:
        """Waits until what istiod has taken up so far is in what it sends: until it pushed a change made just now."""
        before = self.istiod.log.stat().st_size
        port = {"number": 1 + before % 60000, "name": "tcp"}
        spec = {"hosts": ["marker.example"], "exportTo": ["."], "ports": [port]}
        self.api.patch(MARKER_PATH, {"spec": spec}, MERGE)
        until(lambda: self._pushed(before), "istiod has pushed what it took up", READY_SECONDS)

    def _pushed(self, before: int) -> bool:
        """Whether istiod's log tells of a push that was begun after a position of the log."""
        with self.istiod.log.open("rb") as log:
            log.seek(before)
            said = log.read().decode(errors="replace")
        return "XDS: Pushing" in said.partition("Push debounce stable")[2]

    @property
    def root_certificate(self) -> str:
        """The CA of the mesh, PEM."""
        found = self.cluster.get("configmap", "istio-ca-root-cert", "-n", NAMESPACE)
        return str(found["data"]["root-cert.pem"])


@contextmanager
def mesh(cluster: ControlPlane) -> Iterator[Mesh]:
    """Istio, installed and at work: Pods are injected, objects validated.

    Raises:
        PartMissing: a part is neither here nor can it be built.
    """
    have("pilot-discovery")
    cluster.apply_istio_crds()
    chart = have(MANIFESTS) / "charts" / "istio-control" / "istio-discovery"
    helm("install", "istiod", chart, "-n", NAMESPACE, "--create-namespace", cluster=cluster, values=VALUES)
    ports = {port: free_port() for port in PORTS.values()}
    address = _lead(cluster, ports)
    istiod = _start(cluster, ports)
    found = Mesh(cluster, istiod, address, ports)
    until(lambda: _works(found), "istiod injects and validates", READY_SECONDS)
    cluster.apply(MARKER)
    yield found


def _lead(cluster: ControlPlane, ports: dict[int, int]) -> str:
    """Leads dials to istiod's Service here; the Service's address."""
    service = cluster.get("service", "istiod", "-n", NAMESPACE)
    address = str(service["spec"]["clusterIP"])
    named = [{"name": one["name"], "port": one.get("targetPort", one["port"])} for one in service["spec"]["ports"]]
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "istiod-here",
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": "istiod"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        "ports": [{**one, "protocol": "TCP"} for one in named],
    }
    cluster.apply(slice_)
    for port, here in ports.items():
        cluster.route(f"{ADDRESS}:{port}", f"127.0.0.1:{here}")
        cluster.route(f"{address}:{port}", f"127.0.0.1:{here}")
    return address


def _start(cluster: ControlPlane, ports: dict[int, int]) -> Child:
    """Starts istiod with the rights of its service account."""
    folder = cluster.folder / "istiod"
    folder.mkdir()
    access = cluster.account_kubeconfig(NAMESPACE, "istiod")
    listen = [f"--{flag}=127.0.0.1:{ports[port]}" for flag, port in PORTS.items()]
    command: list[str | Path] = ["env", "-C", folder, have("pilot-discovery"), "discovery", *listen]
    command += [f"--kubeconfig={access}", "--ctrlz_port=0", "--domain=cluster.local"]
    return cluster.family.start("istiod", command, ENVIRONMENT)


def _works(istio: Mesh) -> bool:
    """Whether the API server can call istiod's injector, and Istio's validation enforces."""
    if not istio.istiod.running:
        raise AssertionError(f"istiod ended: {istio.istiod.said()}")
    cluster = istio.cluster
    for kind, name in (("mutating", "istio-sidecar-injector"), ("validating", "istio-validator-istio-system")):
        found = cluster.get(f"{kind}webhookconfiguration", name)
        if not all(one["clientConfig"].get("caBundle") and one["failurePolicy"] == "Fail" for one in found["webhooks"]):
            return False
    return cluster.kubectl("get", "configmap", "istio-ca-root-cert", "-n", NAMESPACE, check=False).returncode == 0
