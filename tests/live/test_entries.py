"""Each object meets the one entry that it should, and what must never wait for us meets none: on a real API server."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pytest

from rig.control_plane import ControlPlane, control_plane
from rig.servers import Options
from rig.waiting import until
from tests.live import entry_rules, entry_templates, entry_workloads
from tests.live.entry_objects import FURTHER, VOLUMES, Case, Manifest, workload
from tests.live.helm import NAMESPACE, enforcing, injecting, render
from tests.live.recorder import Recorder, recording, stand_in

pytestmark = pytest.mark.slow

VALUES = {
    "webhook": {"entries": {"secrets": True}},
    "policy": {"workloads": [{"apiVersion": "example.com/v1", "kind": "GameServer", "template": "spec.game.template"}]},
}
INJECTING = {f"{mode}{entry}.mtls-guard.io" for mode in ("", "templates-") for entry in ("inject", "inject-namespaces")}
"""What is asked about each Pod that wants it, also those of a controller."""
ASKS = {"mtls-guard.io/inject": "true"}
TEMPLATES = {"example.com/into": "templates"}
"""Marks the namespaces where our entries of the other mode are, beside those of the usual one."""

CASES = (
    *entry_workloads.workload_cases(),
    *entry_workloads.odd_cases(),
    *entry_workloads.owner_cases(),
    *entry_workloads.update_cases(),
    *entry_workloads.injection_cases(),
    *entry_templates.template_cases(),
    *entry_rules.rule_cases(),
    *entry_rules.other_cases(),
    *entry_rules.giant_cases(),
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A control plane with our entries, and the recorder that they call."""

    plane: ControlPlane
    recorder: Recorder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Our entries as rendered; only the path of each is its name, so that it can be told who asked."""
    with (
        control_plane(Options(controllers=False)) as plane,
        recording(f"{NAMESPACE}.{NAMESPACE}.svc", plane.folder) as recorder,
    ):
        plane.apply_istio_crds()
        plane.apply(*(crd(kind, version) for kind, version in FURTHER.items()))
        plane.apply(*(namespace(name) for name in ("devel", "istio-system", "kube-node-lease", NAMESPACE)))
        plane.apply(namespace("strict", **{"mtls-guard.io/enforce": "true"}), *nodes_may_write())
        plane.apply(namespace("injected", **ASKS), namespace(entry_templates.ONE, **TEMPLATES))
        plane.apply(namespace(entry_templates.ALL, **ASKS, **TEMPLATES))
        plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        plane.apply(service(), *entries(recorder))
        stand_in(plane, recorder, NAMESPACE, "https")
        yield Cluster(plane, recorder)


def entries(recorder: Recorder) -> list[Manifest]:
    """All configurations of the chart, with the recorder's CA."""
    objects = render(VALUES)
    found = [one for one in objects if one["kind"].endswith("WebhookConfiguration")]
    found += [enforcing(objects), injecting(objects)]
    found.append(templates_mode())
    for entry in (entry for one in found for entry in one["webhooks"]):
        entry["clientConfig"]["service"]["path"] = f"/{entry['name']}"
        entry["clientConfig"]["caBundle"] = base64.b64encode(recorder.bundle).decode()
    return found


def templates_mode() -> Manifest:
    """The entries that write into templates, for the namespaces that are marked."""
    values = {**VALUES, "injection": {"into": "Templates"}}
    found = injecting(render(values))
    found["metadata"]["name"] = "templates"
    for entry in found["webhooks"]:
        entry["name"] = f"templates-{entry['name']}"
        entry["namespaceSelector"]["matchLabels"] = TEMPLATES
    return found


def service() -> Manifest:
    """The Service that the entries name."""
    metadata = {"name": NAMESPACE, "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"ports": [{"name": "https", "port": 443}]},
    }


def namespace(name: str, **labels: str) -> Manifest:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def crd(kind: str, version: str) -> Manifest:
    """A kind that takes anything."""
    group, _, served = version.partition("/")
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    one = {"name": served, "served": True, "storage": True, "schema": schema}
    names = {"kind": kind, "plural": plural}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [one]},
    }


def nodes_may_write() -> tuple[Manifest, ...]:
    """Lets kubelets write Pods, which otherwise another authorizer does."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "nodes"}}
    return ({**head, "roleRef": reference, "subjects": [group]},)


@pytest.fixture(scope="module")
def asked(cluster: Cluster) -> Mapping[str, set[str]]:
    """Which entries were asked about the object of each case; requests of one kind are sent in one go."""
    known = [case.before for case in CASES if case.before]
    cluster.plane.kubectl("create", "--validate=false", "-f", "-", stdin=listed(known))
    cluster.recorder.met()
    for do, sent in in_one_go().items():
        cluster.plane.kubectl(*do, stdin=listed(sent))
    for case in CASES:
        if case.sent is None:
            cluster.plane.kubectl(*case.do)
    return cluster.recorder.met()


def in_one_go() -> Mapping[tuple[str, ...], list[Manifest]]:
    """The objects that are sent with the same words."""
    found: dict[tuple[str, ...], list[Manifest]] = {}
    for case in CASES:
        if case.sent:
            found.setdefault(case.do, []).append(case.sent)
    return found


def listed(manifests: list[Manifest]) -> str:
    """A List."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fact)
def test_an_object_meets_the_one_entry_that_it_should(asked: Mapping[str, set[str]], case: Case) -> None:
    assert asked.get(case.name, set()) == {f"{name}.mtls-guard.io" for name in case.meets.split()}


@pytest.mark.usefixtures("asked")
def test_what_controllers_make_of_workloads_meets_no_entry(cluster: Cluster) -> None:
    """They find all objects of the cases, too; the last test, since nothing is quiet any more."""
    made = {
        (kind, place): workload(kind, place, VOLUMES) for kind in ("Deployment", "Job") for place in ("devel", "strict")
    }
    cluster.plane.kubectl("create", "-f", "-", stdin=listed([*made.values()]))
    cluster.plane.start_controllers()
    for (_, place), manifest in made.items():
        name = manifest["metadata"]["name"]
        until(partial(has_pod, cluster.plane, place, name), f"a Pod of {name}", 120)
    met = {name: asked for name, entries in cluster.recorder.met().items() if (asked := entries - INJECTING)}
    assert met == {one["metadata"]["name"]: {"workloads.mtls-guard.io"} for one in made.values()}


def has_pod(plane: ControlPlane, place: str, name: str) -> bool:
    """Whether a controller has made a Pod of the workload."""
    return bool(plane.get("pods", "-n", place, "-l", f"app={name}")["items"])
