"""The first install of a complete release ends with a Pod that has its files, whatever tool sends it in its order.

The Deployment is sent first, its Pod is created milliseconds later, its DestinationRule comes last. There is also a
DestinationRule of another team with the same file names, so that a wrong one could be chosen. Flux and Argo CD send all
of it within a second; so do these tests, which for them start no program for each object.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from rig.api import Api
from rig.control_plane import ControlPlane
from rig.helm import helm
from rig.installation import Installation
from rig.waiting import until
from tests.live.mesh_objects import ISTIO, host, namespace, partner, rule, secret
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT

pytestmark = pytest.mark.slow

Manifest = dict[str, Any]
INSTALLS = 4
SERVER_SIDE = "application/apply-patch+yaml"
STRANGER = "stranger"
HELM_LABELS = {"app.kubernetes.io/managed-by": "Helm"}
FLUX_LABELS = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
ARGO_LABELS = {"app.kubernetes.io/instance": "shop"}


def release(team: str, made_by: str = "") -> list[Manifest]:
    """A complete release in the order in which tools send it. made_by: the kind that makes the Secret, if any."""
    annotations = {"mtls-guard.io/client-secret": "shop"}
    template = {
        "metadata": {"labels": {"app": "shop"}, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "shop"}}, "template": template}
    meta = {"name": "shop", "namespace": team}
    route = {"hosts": [host(team)], "http": [{"route": [{"destination": {"host": host(team)}}]}]}
    certificate = {"secretName": "shop", "dnsNames": ["shop"], "issuerRef": {"name": "ca"}}
    producer = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": meta, "spec": certificate}
    last = rule(team, "/etc/shop", team)
    if made_by:
        paths = {"clientCertificate": "tls.crt", "privateKey": "tls.key", "caCertificates": "ca.crt"}
        last["spec"]["trafficPolicy"]["tls"] |= {field: f"/etc/shop/{name}" for field, name in paths.items()}
    return [
        *([] if made_by else [secret("shop", team)]),
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
        *([producer] if made_by else []),
        last,
        partner(team, team),
        {"apiVersion": ISTIO, "kind": "VirtualService", "metadata": meta, "spec": route},
    ]


@pytest.fixture(scope="module")
def plane(installation: Installation) -> Iterator[ControlPlane]:
    """A cluster with another team, whose DestinationRule reaches everybody and reads the same file names."""
    cluster = installation.cluster
    cluster.apply_operator_crds()
    theirs = rule("theirs", "/etc/theirs", STRANGER)
    del theirs["spec"]["exportTo"]
    cluster.apply(namespace(STRANGER), partner("theirs", STRANGER), theirs)
    yield cluster
    cluster.kubectl("delete", "destinationrules,serviceentries", "--all", "-n", STRANGER)
    cluster.kubectl("delete", "namespace", STRANGER, "--wait=false")


def by_helm(plane: ControlPlane, team: str, objects: list[Manifest], folder: Path) -> None:
    """A chart with these objects, installed by the real Helm."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n", encoding="utf-8")
    for number, one in enumerate(objects):
        (folder / "templates" / f"{number}.json").write_text(json.dumps(one), encoding="utf-8")
        (folder / "templates" / f"{number}.json").rename(folder / "templates" / f"{number}.yaml")
    helm("install", "shop", folder, "--namespace", team, cluster=plane)


def by_flux(plane: ControlPlane, team: str, objects: list[Manifest], _: Path) -> None:
    """A dry run of everything on the server, then one object after the other, as kustomize-controller sends them."""
    api = Api.of(plane.kubeconfig, plane.credentials.ca)
    for dry in ("&dryRun=All", ""):
        for one in (with_labels(one, FLUX_LABELS) for one in objects):
            query = f"?fieldManager=kustomize-controller&force=true{dry}"
            api.patch(f"{path_of(one, team)}/{one['metadata']['name']}{query}", one, SERVER_SIDE)


def by_argo(plane: ControlPlane, team: str, objects: list[Manifest], _: Path) -> None:
    """One wave, client-side, in the order of kinds of Argo CD."""
    api = Api.of(plane.kubeconfig, plane.credentials.ca)
    for one in (with_labels(one, ARGO_LABELS) for one in objects):
        applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(one)}
        sent = {**one, "metadata": {**one["metadata"], "annotations": applied}}
        api.post(f"{path_of(one, team)}?fieldManager=argocd-controller", sent)


def path_of(one: Manifest, team: str) -> str:
    """Where the API server has objects of that kind."""
    version, kind = one["apiVersion"], one["kind"].lower()
    plural = "serviceentries" if kind == "serviceentry" else f"{kind}s"
    return f"/{'api' if version == 'v1' else 'apis'}/{version}/namespaces/{team}/{plural}"


def by_kubectl(plane: ControlPlane, _: str, objects: list[Manifest], __: Path) -> None:
    """All of it in one `kubectl apply`, in this order."""
    plane.apply(*objects)


def with_labels(manifest: Manifest, labels: dict[str, str]) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


Tool = Callable[[ControlPlane, str, list[Manifest], Path], None]
TOOLS: dict[str, Tool] = {"helm": by_helm, "flux": by_flux, "argo": by_argo, "kubectl": by_kubectl}
TIMES = {"helm": INSTALLS, "flux": 2, "argo": 2, "kubectl": 2}


def installed(plane: ControlPlane, tool: str, team: str, folder: Path, made_by: str = "") -> tuple[Manifest, float]:
    """The Pod that the install ends with, and after how many seconds it was created."""
    plane.apply(namespace(team))
    began = monotonic()
    TOOLS[tool](plane, team, release(team, made_by), folder)
    until(lambda: plane.get("pods", "-n", team)["items"], "its Pod is created", 90)
    (pod,) = plane.get("pods", "-n", team)["items"]
    return pod, monotonic() - began


def mounted(pod: Manifest) -> tuple[Any, Any]:
    """Volumes and mounts, with the name of the Secret in place of the hash at the end of theirs."""
    annotations = pod["metadata"]["annotations"]
    parts = (json.loads(annotations.get(name, "[]")) for name in (USER_VOLUME, USER_VOLUME_MOUNT))
    volumes, mounts = ([{**one, "name": one["name"].rpartition("-")[0]} for one in part] for part in parts)
    return volumes, mounts


MOUNTS = [{"name": "mtls-guard-shop", "mountPath": "/etc/shop", "readOnly": True}]
AWAITS = [{"key": key, "path": key} for key in ("tls.crt", "tls.key", "ca.crt")]


def shown(tool: str, seconds: list[float]) -> None:
    """The figures, for the record of the run."""
    listed = ", ".join(f"{one:.1f}" for one in sorted(seconds))
    print(f"{tool}: {len(seconds)} of {len(seconds)} Pods with their files after {listed} s")  # noqa: T201


@pytest.mark.parametrize("tool", TOOLS)
def test_every_first_install_ends_with_a_pod_that_has_its_files(plane: ControlPlane, tool: str, tmp_path: Path) -> None:
    taken = []
    for number in range(TIMES[tool]):
        pod, seconds = installed(plane, tool, f"first-{tool}-{number}", tmp_path / str(number))
        assert mounted(pod) == ([{"name": "mtls-guard-shop", "secret": {"secretName": "shop"}}], MOUNTS)
        taken.append(seconds)
    shown(tool, taken)


@pytest.mark.parametrize("tool", ["helm", "flux", "argo"])
def test_so_it_does_while_the_secret_is_made_by_a_certificate(plane: ControlPlane, tool: str, tmp_path: Path) -> None:
    """The Pod demands the data keys that the Certificate will make, so that it starts with them, and not before."""
    pod, seconds = installed(plane, tool, f"certified-{tool}", tmp_path, "Certificate")
    assert mounted(pod) == ([{"name": "mtls-guard-shop", "secret": {"secretName": "shop", "items": AWAITS}}], MOUNTS)
    shown(tool, [seconds])


def test_event_names_the_awaited_destinationrule(plane: ControlPlane) -> None:
    team = "first-event"
    plane.apply(namespace(team))
    kubectl_secret, deployment, *others = release(team)
    plane.apply(kubectl_secret)
    plane.apply({**deployment, "spec": {**deployment["spec"], "template": named(deployment, team)}})

    def told() -> str:
        events = plane.get("events", "-n", team)["items"]
        return next((one["message"] for one in events if one["reason"] == "FailedCreate"), "")

    until(told, "the Event says so", 30)
    assert f"it waits for a DestinationRule that reads certificate files for {host('first-event')}; its" in told()
    assert plane.get("pods", "-n", team)["items"] == []
    plane.apply(*others)
    until(lambda: plane.get("pods", "-n", team)["items"], "its Pod is created", 90)
    (pod,) = plane.get("pods", "-n", team)["items"]
    assert mounted(pod)[1] == MOUNTS


def named(deployment: Manifest, team: str) -> Manifest:
    """Its template with the host, so that no DestinationRule of another team will do."""
    template: Manifest = json.loads(json.dumps(deployment["spec"]["template"]))
    template["metadata"]["annotations"]["mtls-guard.io/destinations"] = host(team)
    return template


# The tests below come last: they change the entries.


@pytest.fixture(scope="module")
def templates(installation: Installation, plane: ControlPlane) -> Iterator[ControlPlane]:
    """The same, and the entries write into templates."""
    installation.helm("upgrade", injection={"into": "Templates"})
    installation.wait()
    yield plane
    installation.helm("upgrade")
    installation.wait()


def test_first_install_with_template_injection_gets_files(templates: ControlPlane, tmp_path: Path) -> None:
    """Its template comes before its DestinationRule and is stored as it is; the Pod waits and is written into."""
    taken = []
    for number in range(INSTALLS):
        pod, seconds = installed(templates, "helm", f"templates-{number}", tmp_path / str(number))
        assert mounted(pod)[1] == MOUNTS
        taken.append(seconds)
    shown("helm, into templates", taken)
