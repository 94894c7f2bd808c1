"""What a claim template does to a volume of its name: StatefulSet controller, Istio's injector, real API server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from prove.mesh import mesh
from rig.control_plane import ControlPlane, control_plane
from rig.waiting import until
from tests.live.mesh_objects import TEAM, Object, namespace
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT

pytestmark = pytest.mark.slow

SECRET = {"secret": {"secretName": "one"}}
MOUNT = {"name": "data", "mountPath": "/etc/one", "readOnly": True}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A mesh, and a namespace whose Pods are injected; mtls-guard is not there."""
    with control_plane() as cluster, mesh(cluster):
        cluster.apply(namespace())
        yield cluster


def stateful_set(name: str, annotations: dict[str, Any], volumes: list[Object]) -> Object:
    """A StatefulSet of one Pod with a claim "data"."""
    labels = {"app": name}
    texts = {key: json.dumps(value) for key, value in annotations.items()}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    spec = {
        "serviceName": name,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels, "annotations": texts},
            "spec": {"containers": [{"name": "app", "image": "app"}], "volumes": volumes},
        },
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": TEAM}, "spec": spec}


def test_user_volume_merged_with_claim_is_refused(plane: ControlPlane) -> None:
    volumes = {USER_VOLUME: [{"name": "data", **SECRET}], USER_VOLUME_MOUNT: [MOUNT]}
    plane.apply(stateful_set("merged", volumes, []))

    def refusal() -> str:
        events = plane.get("events", "-n", TEAM, "--field-selector", "involvedObject.name=merged,reason=FailedCreate")
        return next((str(one["message"]) for one in events["items"]), "")

    assert "may not specify more than 1 volume type" in until(refusal, "a Pod is refused")
    assert plane.get("pods", "-n", TEAM, "-l", "app=merged")["items"] == []


def test_pod_volume_is_replaced_by_claim(plane: ControlPlane) -> None:
    plane.apply(stateful_set("replaced", {USER_VOLUME_MOUNT: [MOUNT]}, [{"name": "data", **SECRET}]))
    (pod,) = until(lambda: plane.get("pods", "-n", TEAM, "-l", "app=replaced")["items"], "its Pod is made")
    (volume,) = [one for one in pod["spec"]["volumes"] if one["name"] == "data"]
    assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-replaced-0"}}
    containers = (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    (proxy,) = [one for one in containers if one["name"] == "istio-proxy"]
    assert MOUNT in proxy["volumeMounts"]
