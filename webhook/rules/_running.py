"""The running Pods of a workload that lack user volumes: those of its template, or those that injection adds."""

from collections.abc import Sequence
from dataclasses import replace

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT, read_user_volumes
from webhook.kinds.registry import BY_KIND
from webhook.model.finding import ObjectRef
from webhook.model.injection_plan import is_own
from webhook.model.workload import PodTemplate, Workload
from webhook.trace.managed_entries import own_mounts, without_own
from webhook.trace.running_pods import running_pods
from webhook.trace.workload import WorkloadPicture

NAMED = 3
BY_ITSELF = "CronJob"
"""Its template may change between runs, and the Pods of a run that goes on end by themselves."""
ROLLED_OUT = tuple(kind for kind, entry in BY_KIND.items() if entry.restarts)
"""The kinds that `kubectl rollout restart` knows."""


def outdated(picture: WorkloadPicture) -> tuple[Workload, ...]:
    """The Pods with other user volumes, where the template is stored as it is judged: an update replaces them."""
    stored = picture.view.workloads.get(picture.ref)
    if stored is None or picture.ref.kind == BY_ITSELF:
        return ()
    expected = _by_people(picture.pod)
    if _by_people(stored.template) != expected:
        return ()
    return tuple(pod for pod in running_pods(picture.view, picture.ref) if _by_people(pod.template) != expected)


def injected_otherwise(picture: WorkloadPicture) -> tuple[Workload, ...]:
    """The Pods that have other mounts of mtls-guard than a Pod that is made now: something has changed since.

    None while a new Pod would get nothing that it asks for: a restart would take away what the running ones have.
    """
    addition = picture.addition
    if addition.impossible or (addition.awaited and not addition):
        return ()
    stored = picture.view.workloads.get(picture.ref)
    if stored is None or picture.ref.kind == "Pod" or not _as_stored(stored, picture.workload):
        return ()
    expected = {*addition.mounts}
    return tuple(pod for pod in running_pods(picture.view, picture.ref) if own_mounts(pod.template) != expected)


def _as_stored(stored: Workload, judged: Workload) -> bool:
    """Whether it is the stored template, but for what injection writes."""
    return without_own(stored).template == without_own(judged).template


def replaced(ref: ObjectRef, pods: Sequence[Workload]) -> str:
    """The command that makes new Pods in place of these."""
    if ref.kind in ROLLED_OUT:
        return f"kubectl -n {ref.namespace} rollout restart {ref.kind.lower()}/{ref.name}"
    return f"kubectl -n {ref.namespace} delete pod {' '.join(pod.ref.name for pod in pods[:NAMED])}"


def _by_people(pod: PodTemplate) -> tuple[object, ...]:
    """User volumes and mounts that mtls-guard did not add, or the texts where these cannot be read."""
    user = read_user_volumes(pod)
    if user.rejected:
        return pod.annotations.get(USER_VOLUME), pod.annotations.get(USER_VOLUME_MOUNT)
    volumes = frozenset((volume.name, volume.sources) for volume in user.volumes if not is_own(volume.name))
    mounts = frozenset(replace(mount, path="") for mount in user.mounts if not is_own(mount.name))
    return volumes, mounts
