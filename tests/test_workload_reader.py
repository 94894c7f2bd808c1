"""Manifests become workloads and namespaces, whatever stands in their fields."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.kinds.namespace import read_namespace
from webhook.kinds.volume import read_volume
from webhook.kinds.workload import TEMPLATE_PATHS, read_workload
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Namespace
from webhook.model.workload import Container, KeyToPath, Mount, PodTemplate, Source, Volume, Workload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "Pod": "v1",
}


def nest(kind: str, template: dict[str, Any]) -> dict[str, Any]:
    """A manifest of the kind with this template, and with a name and namespace of its own."""
    metadata = {"name": "app", "namespace": "devel"}
    if kind == "Pod":
        return {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {**metadata, **template["metadata"]},
            "spec": template["spec"],
        }
    body: Any = template
    for step in reversed(TEMPLATE_PATHS[kind]):
        body = {step: body}
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, **body}


@pytest.mark.parametrize("kind", TEMPLATE_PATHS)
def test_each_kind_yields_its_pod_template(kind: str) -> None:
    template = {
        "metadata": {"labels": {"app": "a"}, "annotations": {"x": "y"}},
        "spec": {
            "containers": [
                {"name": "istio-proxy", "volumeMounts": [{"name": "c", "mountPath": "/c"}], "args": ["proxy"]}
            ],
            "volumes": [{"name": "c", "secret": {"secretName": "s"}}],
        },
    }
    path = ".".join(TEMPLATE_PATHS[kind])
    spec = f"{path}.spec" if path else "spec"
    mount = Mount("c", "/c", path=f"{spec}.containers[0].volumeMounts[0]")
    pod = PodTemplate(
        path,
        {"app": "a"},
        {"x": "y"},
        (Container("istio-proxy", mounts=(mount,), path=f"{spec}.containers[0]", args=("proxy",)),),
        (Volume("c", (Source("secret", "s"),), f"{spec}.volumes[0]"),),
        namespace="devel",
    )
    own = ({"app": "a"}, {"x": "y"}) if kind == "Pod" else ({}, {})
    ref = ObjectRef(API_VERSIONS[kind], kind, "devel", "app")
    assert read_workload(nest(kind, template)) == Workload(ref, pod, *own)


def test_file_settings_are_read_from_the_pod_spec() -> None:
    spec = {
        "hostNetwork": True,
        "serviceAccountName": "robot",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsUser": 1, "fsGroup": 2},
        "initContainers": [
            {
                "name": "setup",
                "image": "i",
                "workingDir": "/w",
                "restartPolicy": "Always",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}, None],
                "securityContext": {"runAsUser": 3, "runAsGroup": 4},
            }
        ],
    }
    found = read_workload({"kind": "Deployment", "spec": {"template": {"spec": spec}}})
    container = Container(
        "setup",
        "i",
        (),
        {"A": "1"},
        3,
        "/w",
        init=True,
        path="spec.template.spec.initContainers[0]",
        run_as_group=4,
    )
    assert found is not None
    assert found.template == PodTemplate(
        "spec.template", {}, {}, (container,), (), True, 1, 2, "default", automount_token=False
    )


@pytest.mark.parametrize(
    ("manifest", "ref"),
    [
        ({"kind": "Deployment", "metadata": {"name": "a"}}, ObjectRef("", "Deployment", "default", "a")),
        ({"kind": "Pod", "metadata": {"generateName": "a-"}}, ObjectRef("", "Pod", "default", "a-*")),
        ({"kind": "Pod", "metadata": {"generateName": "a-", "name": "b"}}, ObjectRef("", "Pod", "default", "b")),
        ({"kind": "Pod", "metadata": None}, ObjectRef("", "Pod", "default", "")),
    ],
)
def test_reference_has_default_namespace_and_star(manifest: dict[str, Any], ref: ObjectRef) -> None:
    found = read_workload(manifest)
    assert found is not None
    assert found.ref == ref


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        [],
        {},
        {"kind": 3},
        {"kind": "Service", "apiVersion": "v1"},
        {"kind": "Job", "apiVersion": "batch.volcano.sh/v1alpha1"},
        {"kind": "Rollout", "apiVersion": "example.com/v1"},
        {"kind": "Deployment", "apiVersion": "v1"},
    ],
)
def test_what_makes_no_pods_is_no_workload(manifest: object) -> None:
    assert read_workload(manifest) is None


def test_a_kind_of_a_policy_is_read_at_the_path_that_it_names() -> None:
    game = {"apiVersion": "acme.example/v1", "kind": "Game", "spec": {"pod": {"metadata": {"labels": {"a": "b"}}}}}
    found = read_workload(game, {("acme.example", "Game"): ("spec", "pod")})
    assert found is not None
    assert (found.ref.kind, found.template.path, found.template.labels) == ("Game", "spec.pod", {"a": "b"})


def test_a_rollout_with_workload_ref_says_whose_template_counts() -> None:
    manifest = {"kind": "Rollout", "spec": {"workloadRef": {"kind": "Deployment", "name": "app"}}}
    found = read_workload(manifest)
    assert found is not None
    assert found.template_elsewhere == "Deployment/app"


def test_the_controlling_owner_is_named_and_others_are_not() -> None:
    owners = [{"kind": "X", "name": "x"}, {"kind": "ReplicaSet", "name": "app-1", "controller": True}]
    found = read_workload({"kind": "Pod", "metadata": {"ownerReferences": owners}})
    assert found is not None
    assert (found.controller, found.controller_name) == ("ReplicaSet", "app-1")


@pytest.mark.parametrize(
    ("manifest", "finished"),
    [
        ({"kind": "Deployment", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, True),
        ({"kind": "Deployment", "spec": {"replicas": 0}}, False),
        ({"kind": "ReplicaSet", "spec": {"replicas": 0}}, False),
        (
            {
                "kind": "ReplicaSet",
                "metadata": {"ownerReferences": [{"kind": "Deployment", "name": "a", "controller": True}]},
                "spec": {"replicas": 0},
            },
            True,
        ),
        ({"kind": "Pod", "status": {"phase": "Succeeded"}}, True),
        ({"kind": "Pod", "status": {"phase": "Running"}}, False),
        ({"kind": "Job", "status": {"conditions": [{"type": "Complete", "status": "True"}]}}, True),
        ({"kind": "Job", "status": {"conditions": [{"type": "Complete", "status": "False"}]}}, False),
    ],
)
def test_a_workload_that_makes_no_pods_any_more_is_terminating(manifest: dict[str, Any], finished: bool) -> None:
    found = read_workload(manifest)
    assert found is not None
    assert found.terminating == finished


@pytest.mark.parametrize(
    ("entry", "sources"),
    [
        ({}, ()),
        ({"emptyDir": {}}, (Source("emptyDir"),)),
        ({"emptyDir": None, "secret": "x"}, ()),
        ({"secrets": {"secretName": "s"}}, ()),
        (
            {"secret": {"secretName": "s", "optional": True, "defaultMode": 256, "items": [{"key": "k", "path": "p"}]}},
            (Source("secret", "s", (KeyToPath("k", "p"),), 256, optional=True),),
        ),
        ({"secret": {"secretName": "s", "items": []}}, (Source("secret", "s"),)),
        ({"configMap": {"name": "c"}}, (Source("configMap", "c"),)),
        ({"csi": {"driver": "d"}}, (Source("csi", "d"),)),
        ({"persistentVolumeClaim": {"claimName": "p"}}, (Source("persistentVolumeClaim", "p"),)),
        ({"hostPath": {"path": "/x"}}, (Source("hostPath"),)),
        (
            {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {}}]}},
            (Source("downwardAPI", items=(KeyToPath("", "labels"),)),),
        ),
        (
            {
                "projected": {
                    "defaultMode": 292,
                    "sources": [
                        {"secret": {"name": "s"}},
                        {"configMap": {"name": "c", "items": [{"key": "k", "path": "p", "mode": 256}]}},
                        {"serviceAccountToken": {"path": "token"}},
                        {"clusterTrustBundle": {"name": "b", "path": "ca.pem"}},
                        {"podCertificate": {"keyPath": "k", "certificateChainPath": "c"}},
                        None,
                    ],
                }
            },
            (
                Source(
                    "projected",
                    default_mode=292,
                    parts=(
                        Source("secret", "s"),
                        Source("configMap", "c", (KeyToPath("k", "p", 256),)),
                        Source("serviceAccountToken", items=(KeyToPath("", "token"),)),
                        Source("clusterTrustBundle", "b", (KeyToPath("", "ca.pem"),)),
                        Source("podCertificate", items=(KeyToPath("", "k"), KeyToPath("", "c"))),
                    ),
                ),
            ),
        ),
    ],
)
def test_each_volume_source_is_read(entry: dict[str, Any], sources: tuple[Source, ...]) -> None:
    assert read_volume({"name": "v", **entry}, "here") == Volume("v", sources, "here")


@pytest.mark.parametrize(
    ("manifest", "namespace"),
    [
        (
            {"metadata": {"name": "devel", "labels": {"istio-injection": "enabled"}, "annotations": {"a": "b"}}},
            Namespace("devel", {"istio-injection": "enabled"}, {"a": "b"}),
        ),
        ({"metadata": {"name": "x"}, "status": {"phase": "Terminating"}}, Namespace("x", terminating=True)),
        ({}, Namespace("")),
    ],
)
def test_a_namespace_is_read(manifest: dict[str, Any], namespace: Namespace) -> None:
    assert read_namespace(manifest) == namespace


@given(st.sampled_from(sorted(TEMPLATE_PATHS)), st.data())
def test_any_json_is_read_deterministically(kind: str, data: st.DataObject) -> None:
    entry = st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "volumeMounts", "env", "securityContext"), JSON))
    volume = st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "secret", "projected", "downwardAPI"), JSON))
    spec = st.fixed_dictionaries(
        {},
        optional={
            "containers": st.lists(entry | JSON, max_size=2) | JSON,
            "initContainers": JSON,
            "volumes": st.lists(volume | JSON, max_size=2) | JSON,
            "securityContext": JSON,
            "hostNetwork": JSON,
        },
    )
    template = st.fixed_dictionaries({"metadata": JSON, "spec": spec | JSON})
    manifest = nest("Deployment", data.draw(template))
    manifest |= {"kind": kind, "apiVersion": data.draw(st.just(API_VERSIONS[kind]) | JSON), "status": data.draw(JSON)}
    manifest["metadata"] = data.draw(st.just(manifest["metadata"]) | JSON)
    before = copy.deepcopy(manifest)
    first = read_workload(manifest)
    assert (read_workload(manifest), json.dumps(manifest)) == (first, json.dumps(before))
    assert read_namespace(manifest) == read_namespace(before)
