"""Why a Pod of the Deployment does not run, in the words of the kubelet and the scheduler, and what to do about it.

Pure: reads the status of a Pod; who asks the Pod itself is `replicas`. Source of the reasons: Kubernetes v1.37,
pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go, pkg/kubelet/kubelet_pods.go, pkg/scheduler.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.doctor.check import Check, DoctorContext
from webhook.model.printable import cut
from webhook.model.raw_object import Manifest, dig, mapping, number, sequence, text

_SHOWN = 300
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError")
_ENDED = ("CrashLoopBackOff", "RunContainerError", "Error", "Completed")
OOM_KILLED = "OOMKilled"


@dataclass(frozen=True, slots=True)
class PodProblem:
    """What keeps a Pod from running. reason: `ImagePullBackOff`, `Unschedulable` ... message: of who says so, or ''."""

    reason: str
    message: str = ""

    def __str__(self) -> str:
        """Both, on one line."""
        return f"{self.reason}: {cut(self.message, _SHOWN)}" if self.message else self.reason


def state_of(pod: Manifest) -> PodProblem | None:
    """What keeps the Pod from running, None where its containers run."""
    status = mapping(pod.get("status"))
    if text(status.get("phase")) in ("Failed", "Succeeded"):
        return PodProblem(text(status.get("reason")) or text(status.get("phase")), text(status.get("message")))
    waiting = next(_waiting(status), None)
    if waiting:
        return waiting
    scheduled = condition(pod, "PodScheduled")
    if dig(scheduled, "status") == "False":
        return PodProblem(text(dig(scheduled, "reason")) or "Unschedulable", text(dig(scheduled, "message")))
    if text(status.get("phase")) == "Pending":
        return PodProblem("Pending", "" if scheduled else "no scheduler has looked at it yet")
    return None


def describe_state(found: DoctorContext, pod: Manifest, state: PodProblem, event: str = "") -> Check:
    """The check for such a Pod. event: the newest warning about it, '' for none."""
    name = text(dig(pod, "metadata", "name"))
    told = str(state) if state.message or not event else f"{state.reason}: {cut(event, _SHOWN)}"
    gone = text(dig(pod, "status", "phase")) in ("Failed", "Succeeded")
    if gone:
        told += " (the ReplicaSet makes another in its place)"
        remedy = found.kubectl(f"delete pod {name} --ignore-not-found")
    else:
        remedy = _remedy(found, pod, state)
    return Check(f"replica {name}", good=None if gone else False, told=told, remedy=remedy)


def restarts_of(pod: Manifest) -> str:
    """`restarted 3 times, last OOMKilled (exit code 137)`, '' where it never was."""
    for container in _containers(mapping(pod.get("status"))):
        count, ended = number(container.get("restartCount")) or 0, dig(container, "lastState", "terminated")
        if count:
            return f"restarted {count} time{'s' if count > 1 else ''}, last {_ending(mapping(ended))}"
    return ""


def condition(manifest: Manifest, kind: str) -> Manifest:
    """The condition of that type, empty where there is none."""
    conditions = (mapping(each) for each in sequence(dig(manifest, "status", "conditions")))
    return next((each for each in conditions if each.get("type") == kind), {})


def _waiting(status: Manifest) -> Iterator[PodProblem]:
    """Why containers wait; of one that ended, with how."""
    for container in _containers(status):
        waiting = mapping(dig(container, "state", "waiting"))
        ended = mapping(dig(container, "state", "terminated") or dig(container, "lastState", "terminated"))
        reason = text(waiting.get("reason"))
        if ended.get("reason") == OOM_KILLED and (reason in _ENDED or not _runs(container)):
            yield PodProblem(OOM_KILLED, f"{_ending(ended)}, {reason}" if reason else _ending(ended))
        elif reason in _ENDED and ended:
            yield PodProblem(reason, f"the container ended: {_ending(ended)}")
        elif waiting:
            yield PodProblem(reason or "Waiting", text(waiting.get("message")))
        elif ended and not _runs(container):
            yield PodProblem("Terminated", f"the container ended: {_ending(ended)}")


def _containers(status: Manifest) -> Iterator[Manifest]:
    for part in ("initContainerStatuses", "containerStatuses"):
        yield from (mapping(each) for each in sequence(status.get(part)))


def _runs(container: Manifest) -> bool:
    return dig(container, "state", "running") is not None


def _ending(ended: Manifest) -> str:
    """`OOMKilled (exit code 137)`, with what it left as its last message."""
    message = text(ended.get("message")).strip()
    code = f"{text(ended.get('reason')) or 'Error'} (exit code {number(ended.get('exitCode')) or 0})"
    return f"{code}: {cut(message, _SHOWN)}" if message else code


def _remedy(found: DoctorContext, pod: Manifest, state: PodProblem) -> str:
    """What to type for this reason."""
    name = text(dig(pod, "metadata", "name"))
    describe = found.kubectl(f"describe pod {name}")
    image = text(dig(next(iter(sequence(dig(pod, "spec", "containers"))), None), "image"))
    if state.reason in _IMAGE:
        return f'{describe}; the nodes must be able to pull "{image}": see image and imagePullSecrets in values'
    if state.reason == OOM_KILLED:
        return f"it needs more memory: {found.upgrade} --set resources.limits.memory=768Mi"
    if state.reason in _ENDED:
        return f"its last words: {found.kubectl(f'logs {name} --previous --tail=20')}"
    if state.reason == "Unschedulable":
        return f"{describe}; see resources, nodeSelector, tolerations, affinity and hostNetwork in values"
    return describe
