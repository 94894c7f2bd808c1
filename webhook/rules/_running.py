"""The running Pods of a workload whose user volumes are not those of its template."""

from collections.abc import Iterator, Mapping

from webhook.istio.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.model.workload import PodTemplate, Workload
from webhook.trace.workload import WorkloadPicture

BY_REPLICA_SET = ("Deployment", "Rollout")
_Owner = tuple[str, str]


def outdated(picture: WorkloadPicture) -> tuple[Workload, ...]:
    """The Pods with other user volumes, where the template is stored as it is judged: an update replaces them."""
    stored = picture.view.workloads.get(picture.ref)
    if stored is None or _said(stored.template) != _said(picture.pod):
        return ()
    pods = _by_owner(picture).get((picture.ref.kind, picture.ref.name), ())
    return tuple(pod for pod in pods if _said(pod.template) != _said(picture.pod) and not pod.terminating)


def _said(pod: PodTemplate) -> tuple[str | None, str | None]:
    return pod.annotations.get(USER_VOLUME), pod.annotations.get(USER_VOLUME_MOUNT)


def _by_owner(picture: WorkloadPicture) -> Mapping[_Owner, tuple[Workload, ...]]:
    """Running Pods of the namespace by kind and name of the workload behind them; kept until a workload changes."""
    tallies = picture.view.tallies.at(picture.workload.namespace)
    known: Mapping[_Owner, tuple[Workload, ...]] | None = tallies.get("pods by owner")
    if known is None:
        found: dict[_Owner, list[Workload]] = {}
        for pod in picture.view.pods.of_namespace(picture.workload.namespace):
            for owner in _owners(pod):
                found.setdefault(owner, []).append(pod)
        known = tallies["pods by owner"] = {owner: tuple(pods) for owner, pods in found.items()}
    return known


def _owners(pod: Workload) -> Iterator[_Owner]:
    """A ReplicaSet is named after its workload with a hash behind it; others own their Pods themselves."""
    if pod.ref.kind != "Pod":
        return
    if pod.controller == "ReplicaSet":
        name = pod.controller_name.rpartition("-")[0]
        yield from ((kind, name) for kind in BY_REPLICA_SET)
    yield pod.controller, pod.controller_name
