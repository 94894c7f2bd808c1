"""The cluster of the proof: the chart as shipped, the kinds of all producers, and a cert-manager that issues."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from certs.vocabulary import fill
from prove.releases.shapes import ISSUER, Object, Worked, namespace
from rig.control_plane import ControlPlane, control_plane
from rig.installation import installed
from rig.parts import CERT_MANAGER, have
from rig.waiting import until
from webhook.kinds.producer import KINDS

OPERATOR = "cert-manager"
READY_SECONDS = 120


@contextmanager
def stage() -> Iterator[ControlPlane]:
    """A control plane that asks mtls-guard, with the namespaces of the worked example.

    Raises:
        PartMissing: a part is neither here nor can it be built, or Pods cannot run on this machine.
    """
    with control_plane_with_kinds() as cluster:
        _start_cert_manager(cluster)
        cluster.apply(*Worked().namespaces())
        with installed(cluster, {"replicas": 1}):
            yield cluster


def serve_producers(cluster: ControlPlane, *, but: Sequence[str] = ()) -> None:
    """Lets the API server serve the kinds of all producers, for objects of any content. but: groups left out."""
    kinds = [definition(one.group, one.kind, one.resource, namespaced=one.namespaced) for one in KINDS]
    cluster.apply(*(kind for kind in kinds if kind["spec"]["group"] not in but))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")


def definition(group: str, kind: str, plural: str, *, namespaced: bool = True) -> dict[str, Any]:
    """A CustomResourceDefinition for objects of any content."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    spec = {"group": group, "scope": "Namespaced" if namespaced else "Cluster", "names": names, "versions": [version]}
    meta = {"name": f"{plural}.{group}"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


@contextmanager
def control_plane_with_kinds() -> Iterator[ControlPlane]:
    """Istio's kinds, cert-manager's own, and those of other producers."""
    with control_plane() as cluster:
        cluster.apply_istio_crds()
        cluster.kubectl("apply", "--server-side", "-f", str(have(CERT_MANAGER)))
        serve_producers(cluster, but=["cert-manager.io"])
        yield cluster


def _start_cert_manager(cluster: ControlPlane) -> None:
    """Starts it as a service account of its own, and waits until its issuer is ready."""
    cluster.apply(namespace(OPERATOR), *_account())
    kubeconfig = cluster.account_kubeconfig(OPERATOR, OPERATOR)
    cluster.family.start(OPERATOR, [have(OPERATOR), f"--kubeconfig={kubeconfig}"])
    cluster.apply(*_issuer())
    until(lambda: cluster.is_ready("clusterissuer", ISSUER), "the ClusterIssuer is ready", READY_SECONDS)


def _account() -> list[Object]:
    meta = {"name": OPERATOR, "namespace": OPERATOR}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"kind": "ServiceAccount", **meta}]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": OPERATOR},
            "roleRef": role,
            "subjects": subjects,
        },
    ]


def _issuer() -> list[Object]:
    """A CA, and the ClusterIssuer that signs with it."""
    meta = {"name": ISSUER, "namespace": OPERATOR}
    pair = {"tls.crt": "@ca.cert", "tls.key": "@ca.key"}
    return [
        fill({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": pair}),
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "ClusterIssuer",
            "metadata": {"name": ISSUER},
            "spec": {"ca": {"secretName": ISSUER}},
        },
    ]
