"""The running Pods of a workload, found by their controller."""

from collections.abc import Collection, Mapping

from webhook.istio.injector.annotations import read_user_volumes
from webhook.model.finding import ObjectRef
from webhook.model.workload import Workload
from webhook.trace.prepared_workloads import Owner, owners
from webhook.view import ClusterView


def running_pods(view: ClusterView, ref: ObjectRef) -> tuple[Workload, ...]:
    """The Pods of the workload that run and are not being deleted."""
    pods = _by_owner(view, ref.namespace).get((ref.kind, ref.name), ())
    return tuple(pod for pod in pods if not pod.terminating)


def earlier_pods(view: ClusterView, ref: ObjectRef, places: Collection[str]) -> frozenset[ObjectRef]:
    """The running Pods of an earlier template of the workload, which lack a user mount at one of these paths.

    A webhook that mounts files into its Pods adds them to the mounts of the template.
    """
    pods = running_pods(view, ref)
    return frozenset(pod.ref for pod in pods if not _places(pod).issuperset(places))


def _places(pod: Workload) -> frozenset[str]:
    return frozenset(mount.mount_path for mount in read_user_volumes(pod.template).mounts)


def _by_owner(view: ClusterView, namespace: str) -> Mapping[Owner, tuple[Workload, ...]]:
    """Pods of the namespace by kind and name of their workload; cached until an object of the namespace changes."""
    tallies = view.tallies.at(namespace)
    by_owner: Mapping[Owner, tuple[Workload, ...]] | None = tallies.get("pods by owner")
    if by_owner is None:
        grouped: dict[Owner, list[Workload]] = {}
        for pod in view.pods.of_namespace(namespace):
            for owner in owners(pod) if pod.ref.kind == "Pod" else ():
                grouped.setdefault(owner, []).append(pod)
        by_owner = tallies["pods by owner"] = {owner: tuple(pods) for owner, pods in grouped.items()}
    return by_owner
