"""A real control plane here: etcd, kube-apiserver, kube-controller-manager; ready in seconds, gone at the end.

    with control_plane() as cluster:
        cluster.kubectl("apply", "-f", "-", stdin=manifest)

Nothing runs Pods here (see `rig.node`), and Services lead where `route` says.
"""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rig import servers
from rig.children import Child, Family
from rig.credentials import Credentials, kubeconfig
from rig.parts import CERT_MANAGER, MANIFESTS, PROMETHEUS, have
from rig.ports import free_port
from rig.waiting import until
from webhook.kubeapi.tls_verification import client_context

READY_SECONDS = 90
API_SERVER_STOP_SECONDS = 3
"""It would wait for clients that keep a watch; these must live with its end, however it comes."""
KUBECTL_SECONDS = 300


@dataclass(eq=False)
class ControlPlane:
    """A control plane that runs. Each server is a `Child`, to pause, kill and start again."""

    family: Family
    port: int
    etcd_port: int
    options: servers.Options
    etcd: Child = field(init=False)
    api_server: Child = field(init=False)
    controllers: Child | None = field(init=False, default=None)

    @property
    def folder(self) -> Path:
        """Where logs, credentials and routes lie."""
        return self.family.folder

    @property
    def url(self) -> str:
        """Where the API server answers."""
        return f"https://localhost:{self.port}"

    @property
    def credentials(self) -> Credentials:
        """Who may speak to it."""
        return Credentials(self.folder / "credentials")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.credentials.admin

    # ------------------------------------------------------------ servers

    def start_etcd(self) -> None:
        """Starts etcd on what it holds already, if anything."""
        self.etcd = self.family.start("etcd", servers.etcd(self.folder, self.etcd_port))

    def start_api_server(self) -> None:
        """Starts the API server and waits until it is ready."""
        command = servers.api_server(self.folder, self.port, self.etcd_port, self.options)
        self.api_server = self.family.start("kube-apiserver", command)
        until(self._is_ready, "kube-apiserver is ready", READY_SECONDS)

    def start_controllers(self) -> None:
        """Starts kube-controller-manager."""
        self.controllers = self.family.start("kube-controller-manager", servers.controllers(self.folder))

    def restart_api_server(self) -> None:
        """Ends the API server, as a node that is upgraded would, and waits until it is ready again."""
        self.api_server.stop(API_SERVER_STOP_SECONDS)
        self.start_api_server()

    def restart_etcd(self) -> None:
        """Starts etcd again after `etcd.stop()` or `etcd.kill()`, and waits until the API server is ready again."""
        self.start_etcd()
        until(self._is_ready, "kube-apiserver is ready on the new etcd", READY_SECONDS)

    # ------------------------------------------------------------ use

    def route(self, address: str, target: str | Path) -> None:
        """Leads the API server's dials to a cluster address.

        address: `10.96.0.5:443`, or `10.244.0.7` for all its ports. target: `127.0.0.1:PORT`, or a sandbox's socket.
        """
        routes = self.folder / "routes"
        written = routes / f".{address}"
        written.write_text(str(target), encoding="utf-8")
        written.replace(routes / address)

    def unroute(self, address: str) -> None:
        """Lets dials to this address fail."""
        (self.folder / "routes" / address).unlink(missing_ok=True)

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs the real kubectl as the administrator, or with another kubeconfig.

        Raises:
            KubectlFailed: it ended with an error, and check is on; the text is all that it said.
        """
        ran = subprocess.run(
            [have("kubectl"), *arguments],
            input=stdin,
            env=self.environment(kubeconfig),
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
        if check and ran.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {ran.stdout}{ran.stderr}")
        return ran

    def get(self, *arguments: str) -> Any:
        """What `kubectl get ... -o json` answers, parsed."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def is_ready(self, kind: str, name: str, namespace: str = "default") -> bool:
        """Whether the object, which exists, reports Ready=True."""
        conditions = self.get(kind, name, "-n", namespace).get("status", {}).get("conditions", [])
        return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)

    def apply(self, *objects: object) -> None:
        """Applies manifests, as the administrator."""
        items = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(items))

    def apply_istio_crds(self) -> None:
        """Installs Istio's CRDs and waits until they are served."""
        crds = have(MANIFESTS) / "charts" / "base" / "files" / "crd-all.gen.yaml"
        self.kubectl("apply", "--server-side", "-f", str(crds))
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "-l", "release=istio")

    def apply_operator_crds(self) -> None:
        """Installs the kinds of cert-manager and of the Prometheus operator that our chart may bring, until served."""
        files = [f"--filename={have(part) / name}.yaml" for part, name in OPERATOR_CRDS]
        self.kubectl("apply", "--server-side", *files)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)

    def account_kubeconfig(self, namespace: str, account: str) -> Path:
        """A kubeconfig for a service account, which must exist."""
        token = self.kubectl("create", "token", account, "-n", namespace).stdout.strip()
        file = self.folder / f"{namespace}-{account}.kubeconfig"
        file.touch(mode=0o600)
        file.write_text(kubeconfig(self.url, self.credentials.ca, token, namespace), encoding="utf-8")
        return file

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """The variables for a program that shall speak to this cluster."""
        return {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
            "NO_PROXY": "localhost,127.0.0.1",
        }

    def _is_ready(self) -> bool:
        """Whether the API server says so."""
        if not self.api_server.running:
            raise ServerEnded(f"kube-apiserver ended: {self.api_server.said()}")
        context = client_context(self.credentials.ca.read_bytes())
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


OPERATOR_CRDS = (
    (CERT_MANAGER, "cert-manager.io_certificates"),
    (CERT_MANAGER, "cert-manager.io_issuers"),
    (PROMETHEUS, "monitoring.coreos.com_prometheusrules"),
    (PROMETHEUS, "monitoring.coreos.com_servicemonitors"),
)


class ServerEnded(Exception):
    """A server did not stay; the text is the end of its log."""


class KubectlFailed(AssertionError):
    """kubectl ended with an error; the text is all that it said."""


@contextmanager
def control_plane(options: servers.Options | None = None) -> Iterator[ControlPlane]:
    """A control plane, ready; ended with all that it wrote.

    Raises:
        PartMissing: a part is neither here nor can it be built.
    """
    with Family() as family:
        cluster = ControlPlane(family, free_port(), free_port(), options or servers.Options())
        cluster.credentials.write(cluster.port)
        (cluster.folder / "routes").mkdir()
        cluster.start_etcd()
        family.start("egress", servers.egress(cluster.folder))
        cluster.start_api_server()
        if cluster.options.controllers:
            cluster.start_controllers()
            until(lambda: cluster.kubectl("get", "sa", "default", check=False).returncode == 0, "controllers at work")
        yield cluster
