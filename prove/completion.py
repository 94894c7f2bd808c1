"""Completes the smallest objects that show a point to what an API server takes."""

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certs.vocabulary import fill

Object = Mapping[str, Any]
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "ReplicationController"}
TEMPLATES = {"Pod": (), "CronJob": ("spec", "jobTemplate", "spec", "template")}
"""Where the template of a Pod stands, where that is not `spec.template`."""
SELECTING = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
IDLE: Mapping[str, Mapping[str, Any]] = {
    "Deployment": {"replicas": 0},
    "StatefulSet": {"replicas": 0},
    "ReplicaSet": {"replicas": 0},
    "Job": {"suspend": True},
    "CronJob": {"suspend": True},
}
"""What keeps controllers from making Pods."""


def template_of(workload: Any) -> Any:
    """The pod template of a workload, or the Pod itself."""
    found = workload
    for name in TEMPLATES.get(workload["kind"], ("spec", "template")):
        found = found.setdefault(name, {})
    return found


def completed(one: Object, at: datetime) -> Object:
    """The object with its words filled in; a workload with labels, containers and what else its kind demands.

    at: the instant around which certificates are valid.
    """
    made: Any = copy.deepcopy(fill(one, at))
    made["metadata"].pop("creationTimestamp", None)
    if made["kind"] not in WORKLOADS:
        return made  # type: ignore[no-any-return]
    template = template_of(made)
    labels = template.setdefault("metadata", {}).setdefault("labels", {"app": made["metadata"]["name"]})
    if made["kind"] in SELECTING:
        made["spec"].setdefault("selector", {"matchLabels": labels})
    if made["kind"] == "CronJob":
        made["spec"].setdefault("schedule", "0 0 1 1 *")
    spec = template.setdefault("spec", {})
    if made["kind"] in {"Job", "CronJob"}:
        spec.setdefault("restartPolicy", "Never")
    if not spec.get("containers"):
        spec["containers"] = [{"name": "app"}]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        container.setdefault("image", "auto" if container["name"] == "istio-proxy" else "app")
    return made  # type: ignore[no-any-return]


def idle(one: Object) -> Object:
    """The object, so that no controller makes Pods of it: those that run are ours."""
    if one["kind"] not in IDLE:
        return one
    return {**one, "spec": {**one["spec"], **IDLE[one["kind"]]}}


def pod_of(workload: Object) -> Object:
    """The Pod that the controller of a workload would create."""
    template = template_of(copy.deepcopy(workload))
    metadata = workload["metadata"]
    made = {"namespace": metadata.get("namespace", "default"), **(template.get("metadata") or {})}
    made.pop("name", None)
    named = {**made, "generateName": f"{metadata['name']}-"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": template["spec"]}
