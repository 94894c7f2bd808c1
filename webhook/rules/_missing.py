"""What is said of a Secret or ConfigMap that does not exist, or is not complete, and how much that weighs.

An object that no further part of the release can create is at fault; one that may still be created is awaited.
"""

from collections.abc import Iterable

from webhook.model.chain import Chain
from webhook.model.finding import ObjectRef, Violation
from webhook.model.material import Producer
from webhook.model.occasion import MissingSecret
from webhook.rules._producers import WAIT
from webhook.rules._words import create_config_map, create_secret
from webhook.trace.secret_producers import makers, writer
from webhook.trace.workload import WorkloadPicture


def denies(picture: WorkloadPicture, ref: ObjectRef) -> bool:
    """Whether the absence of this object is a reason to deny on this occasion."""
    occasion = picture.occasion
    if occasion.dry_run or occasion.missing_secret is MissingSecret.WARN:
        return False
    if occasion.missing_secret is MissingSecret.DENY:
        return True
    return not (writer(picture.view, ref) or _may_follow(picture, ref))


def _may_follow(picture: WorkloadPicture, ref: ObjectRef) -> bool:
    """Whether a release tool sends this request, which sends custom resources last, and one could make the object."""
    return bool(picture.occasion.tool) and picture.view.producer_may_follow(ref.kind)


def absent(
    picture: WorkloadPicture, ref: ObjectRef, effect: str, keys: Iterable[str] = (), *, certain: bool = True
) -> Violation:
    """The violation for an object that does not exist. effect: what that does, as `the Pod will not start`.

    keys: data keys that it will need. certain: False where its absence may do no harm.
    """
    made_by = makers(picture.view, ref)
    if made_by:
        problem, fix = _awaited(effect, made_by[0])
    else:
        problem, fix = _nobodys(picture, ref, effect, tuple(keys))
    return Violation(ref, "", problem, fix, certain=certain and denies(picture, ref))


def _awaited(effect: str, producer: Producer) -> tuple[str, str]:
    """Problem and fix for what a producer in view will make, or reports that it cannot."""
    if producer.problem:
        problem = f"does not exist, {effect}: {producer.ref}, which is to make it, reports: {producer.problem}"
        return problem, f"correct {producer.ref}"
    return f"does not exist yet, {effect} until {producer.ref} makes it", WAIT


def _nobodys(picture: WorkloadPicture, ref: ObjectRef, effect: str, keys: tuple[str, ...]) -> tuple[str, str]:
    """Problem and fix for what nothing in view will make."""
    occasion, create = picture.occasion, create_secret if ref.kind == "Secret" else create_config_map
    command = create(ref, keys)
    if not occasion.request:
        return f"does not exist, {effect}", f"create it: {command}"
    if denies(picture, ref):
        again = "apply the same input again if that contains it, or what makes it"
        return f"does not exist, {effect}", f"create it, or {again}: {command}"
    sender = f"; {occasion.tool} may send it, or what makes it, later" if occasion.tool else ""
    return f"does not exist yet, {effect} until it does{sender}", f"if nothing will make it: {command}"


def in_istios_mount(chain: Chain) -> bool:
    """Whether the path leads into a volume that Istio mounts and that has no such file: a person mounts nothing."""
    mount = chain.file.mount
    return chain.file.absent and mount is not None and not mount.path
