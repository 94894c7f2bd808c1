"""The workload to which a Pod of a controller belongs: the Deployment of its ReplicaSet, the CronJob of its Job."""

from collections.abc import Mapping

from webhook.kinds.registry import BY_KIND
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import text
from webhook.model.workload import Workload
from webhook.view import ClusterView

_APPS, _BATCH = "apps/v1", "batch/v1"
_OWNERS = {kind: BY_KIND[kind].api_version for _, kind in BY_KIND["Pod"].creators}
"""The kinds that own Pods, with the API version in which they are followed."""


def origin(view: ClusterView, workload: Workload) -> Workload | None:
    """The workload to which this one belongs, or itself if it has no controller; None if it is not in view."""
    if workload.controller == "ReplicaSet":
        return _by_replica_set(view, workload.namespace, workload.controller_name)
    if workload.controller in _OWNERS:
        kind, name = workload.controller, workload.controller_name
        owner = ObjectRef(_OWNERS[kind], kind, workload.namespace, name)
        stored = view.workloads.get(owner) or view.pods.get(owner)
        return origin(view, stored) if stored is not None and stored.controller else stored
    if workload.controller == "CronJob":
        return view.workloads.get(ObjectRef(_BATCH, "CronJob", workload.namespace, workload.controller_name))
    return None if workload.controller else view.workloads.get(workload.ref)


def _by_replica_set(view: ClusterView, namespace: str, name: str) -> Workload | None:
    """The Deployment or Rollout of the ReplicaSet, whose name has a hash appended; else the ReplicaSet itself."""
    stem = name.rpartition("-")[0]
    for version, kind, named in ((_APPS, "Deployment", stem), (_APPS, "ReplicaSet", name)):
        stored = view.workloads.get(ObjectRef(version, kind, namespace, named))
        if stored is not None:
            return stored
    rollouts = (rollout for rollout in view.workloads.of_namespace(namespace) if rollout.ref.kind == "Rollout")
    return next((rollout for rollout in rollouts if rollout.ref.name == stem), None)


def created(view: ClusterView, namespace: str, owner: Mapping[str, object]) -> str:
    """The creationTimestamp of the controller that an owner reference names, '' if it is not in view.

    For the Job of a CronJob, that of the CronJob: a run of it is no new workload.
    """
    ref = ObjectRef(text(owner.get("apiVersion")), text(owner.get("kind")), namespace, text(owner.get("name")))
    controller = view.workloads.get(ref) or view.pods.get(ref)
    if controller is not None and controller.controller == "CronJob":
        controller = origin(view, controller) or controller
    return controller.created if controller is not None else ""
