"""The command lines of the servers of a control plane."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rig.parts import have

CLUSTER_ADDRESSES = "10.96.0.0/16"
ISSUER = "https://kubernetes.default.svc.cluster.local"
CONTROLLERS = (
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
    "validatingadmissionpolicy-status-controller",
)
"""Those that act on what we install and judge. Nobody renews the lease of our node, so node-lifecycle must not look."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a control plane differs from the usual one. api_server: flags that are added.

    controllers: without, Deployments stay objects, and Pods need no service account.
    """

    controllers: bool = True
    api_server: tuple[str, ...] = ()


def etcd(folder: Path, port: int) -> list[str | Path]:
    """The database on a folder; nothing is written through to the disk."""
    url = f"http://127.0.0.1:{port}"
    return [
        have("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=unix://{folder / 'etcd-peer.sock'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(folder: Path, port: int, etcd_port: int, options: Options) -> list[str | Path]:
    """kube-apiserver, with Kubernetes' own defaults for what admission and clients can notice."""
    credentials = folder / "credentials"
    flags = {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": str(port),
        "cert-dir": str(folder / "made"),
        "tls-cert-file": str(credentials / "server.crt"),
        "tls-private-key-file": str(credentials / "server.key"),
        "token-auth-file": str(credentials / "tokens.csv"),
        "authorization-mode": "RBAC",
        "service-account-issuer": ISSUER,
        "service-account-key-file": str(credentials / "accounts.pub"),
        "service-account-signing-key-file": str(credentials / "accounts.key"),
        "service-cluster-ip-range": CLUSTER_ADDRESSES,
        "endpoint-reconciler-type": "none",
        "egress-selector-config-file": str(_egress_selector(folder)),
        # Endpoints of a webhook's Service are then picked from its EndpointSlices, as kube-proxy would.
        "enable-aggregator-routing": "true",
        "allow-privileged": "true",
    }
    if not options.controllers:
        flags["disable-admission-plugins"] = "ServiceAccount"
    return [have("kube-apiserver"), *(f"--{name}={value}" for name, value in flags.items()), *options.api_server]


def controllers(folder: Path) -> list[str | Path]:
    """kube-controller-manager, as the administrator."""
    credentials = folder / "credentials"
    return [
        have("kube-controller-manager"),
        f"--kubeconfig={credentials / 'admin.kubeconfig'}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--root-ca-file={credentials / 'ca.crt'}",
        f"--cert-dir={folder / 'made-for-controllers'}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def egress(folder: Path) -> list[str | Path]:
    """What the API server's dials to cluster addresses go through."""
    return [sys.executable, "-m", "rig.egress", folder / "egress.sock", folder / "routes"]


def _egress_selector(folder: Path) -> Path:
    """The file that tells the API server about it."""
    file = folder / "egress.json"
    transport = {"uds": {"udsName": str(folder / "egress.sock")}}
    selection = {"name": "cluster", "connection": {"proxyProtocol": "HTTPConnect", "transport": transport}}
    head = {"apiVersion": "apiserver.k8s.io/v1beta1", "kind": "EgressSelectorConfiguration"}
    file.write_text(json.dumps({**head, "egressSelections": [selection]}), encoding="utf-8")
    return file
