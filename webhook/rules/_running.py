"""The running Pods of a workload that lack user volumes: those of its template, or those that injection adds."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from webhook.istio.annotations import USER_VOLUME, USER_VOLUME_MOUNT, read_user_volumes
from webhook.model.finding import ObjectRef
from webhook.model.workload import PodTemplate, Source, Workload
from webhook.trace.running import running_pods
from webhook.trace.workload import WorkloadPicture

NAMED = 3
BY_ITSELF = "CronJob"
"""Its next run makes new Pods; that those of earlier runs have ended, their metadata do not say."""
ROLLED_OUT = ("Deployment", "StatefulSet", "DaemonSet")
"""The kinds that `kubectl rollout restart` knows."""


def outdated(picture: WorkloadPicture) -> tuple[Workload, ...]:
    """The Pods with other user volumes, where the template is stored as it is judged: an update replaces them."""
    stored = picture.view.workloads.get(picture.ref)
    if stored is None or picture.ref.kind == BY_ITSELF or _said(stored.template) != _said(picture.pod):
        return ()
    return tuple(pod for pod in running_pods(picture.view, picture.ref) if _said(pod.template) != _said(picture.pod))


def lacking(picture: WorkloadPicture) -> tuple[Workload, ...]:
    """The Pods without a mount that injection adds to a Pod that is made now: they came before its DestinationRule."""
    stored = picture.view.workloads.get(picture.ref)
    if stored is None or not picture.addition.annotations or picture.ref.kind == BY_ITSELF:
        return ()
    if not _as_stored(stored.template, picture.pod):
        return ()
    wanted = {one.mount_path for one in picture.addition.mounts}
    expected = {path: secrets for path, secrets in _mounted(picture.pod).items() if path in wanted}
    pods = running_pods(picture.view, picture.ref)
    return tuple(pod for pod in pods if not expected.items() <= _mounted(pod.template).items())


def _as_stored(stored: PodTemplate, judged: PodTemplate) -> bool:
    """Whether it is the stored template, but for the two annotations that injection writes."""
    written = dict.fromkeys((USER_VOLUME, USER_VOLUME_MOUNT), "")
    before, after = ({**one.annotations, **written} for one in (stored, judged))
    return replace(stored, annotations=before) == replace(judged, annotations=after)


def _mounted(pod: PodTemplate) -> dict[str, frozenset[str]]:
    """By directory, the Secrets behind the user mount."""
    user = read_user_volumes(pod)
    secrets = {one.name: frozenset(_secrets(one.source)) for one in user.volumes}
    return {one.mount_path: secrets.get(one.name, frozenset()) for one in user.mounts}


def _secrets(source: Source) -> Iterator[str]:
    if source.kind == "secret":
        yield source.name
    yield from (part.name for part in source.parts if part.kind == "secret")


def replaced(ref: ObjectRef, pods: Sequence[Workload]) -> str:
    """The command that makes new Pods in place of these."""
    if ref.kind in ROLLED_OUT:
        return f"kubectl -n {ref.namespace} rollout restart {ref.kind.lower()}/{ref.name}"
    return f"kubectl -n {ref.namespace} delete pod {' '.join(one.ref.name for one in pods[:NAMED])}"


def _said(pod: PodTemplate) -> tuple[str | None, str | None]:
    return pod.annotations.get(USER_VOLUME), pod.annotations.get(USER_VOLUME_MOUNT)
