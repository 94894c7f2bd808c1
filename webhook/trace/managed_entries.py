"""The volumes and mounts that mtls-guard has added to a pod template: how to find them, and how to remove them.

Their names begin with `mtls-guard-`: no field manager owns the fields that a webhook adds, so that only the name shows
who added them. They are removed when the workload opts out. `inject.template_writer` writes them into the template.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from webhook.istio.injector.annotation_append import Entry, merged
from webhook.istio.injector.annotation_json import NotJson
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT, read_user_volumes
from webhook.istio.injector.workload_index import secrets_in
from webhook.kinds.opt_in_annotations import INJECTED
from webhook.model.chain import Declaration
from webhook.model.injection_plan import OWN, AddedMount, Addition, is_own
from webhook.model.workload import PROXY, PodTemplate, Volume, Workload

ANNOTATIONS = (USER_VOLUME_MOUNT, USER_VOLUME)


def without_own(workload: Workload) -> Workload:
    """The workload as people wrote it; the same object where mtls-guard has added nothing."""
    pod = workload.template
    if not has_own(pod):
        return workload
    containers = tuple(
        replace(container, mounts=tuple(mount for mount in container.mounts if not is_own(mount.name)))
        if container.name == PROXY
        else container
        for container in pod.containers
    )
    volumes = tuple(volume for volume in pod.volumes if not is_own(volume.name))
    annotations = annotated(pod.annotations, {})
    annotations.pop(INJECTED, None)
    return replace(workload, template=replace(pod, annotations=annotations, containers=containers, volumes=volumes))


def has_own(pod: PodTemplate) -> bool:
    """Whether mtls-guard has added volumes or mounts to the pod."""
    proxy = pod.container(PROXY)
    return (
        INJECTED in pod.annotations
        or any(f'"{OWN}' in pod.annotations.get(name, "") for name in ANNOTATIONS)
        or any(is_own(volume.name) for volume in pod.volumes)
        or (proxy is not None and any(is_own(mount.name) for mount in proxy.mounts))
    )


def annotated(annotations: Mapping[str, str], entries: Mapping[str, Sequence[Entry]]) -> dict[str, str]:
    """The annotations with these entries as the only ones of mtls-guard, by annotation.

    An annotation that is not valid for the injector is not changed.
    """
    result = dict(annotations)
    for name in ANNOTATIONS:
        with suppress(NotJson, TypeError):
            text = merged(annotations.get(name), entries.get(name, ()), is_own)
            if text is None:
                result.pop(name, None)
            else:
                result[name] = text
    return result


def is_outdated(pod: PodTemplate, declaration: Declaration, addition: Addition) -> bool:
    """Whether the entries that the pod has must be replaced by those of the addition, or removed.

    They are kept while injection is impossible, and while the workload still names their Secret but no DestinationRule
    applies that reads its files.
    """
    if addition or not has_own(pod):
        return bool(addition)
    if addition.impossible or addition.refused:
        return False
    return not (addition.awaited and own_secrets(pod) <= {*declaration.secrets})


def lacking(pod: PodTemplate, addition: Addition) -> tuple[AddedMount, ...]:
    """The mounts of the addition that the Pod does not have."""
    present = own_mounts(pod)
    return tuple(mount for mount in addition.mounts if mount not in present)


def own_mounts(pod: PodTemplate) -> frozenset[AddedMount]:
    """The mounts that mtls-guard has added: those of the container istio-proxy, else those of the annotations."""
    proxy = pod.container(PROXY)
    mounts = proxy.mounts if proxy is not None else read_user_volumes(pod).mounts
    added = [AddedMount(mount.name, mount.mount_path) for mount in mounts if is_own(mount.name)]
    if proxy is None:
        added += [AddedMount(name, path) for name, _, path in _noted(pod.annotations.get(INJECTED, ""))]
    return frozenset(added)


def noted(mounts: Sequence[AddedMount]) -> str:
    """The text of the annotation INJECTED for these mounts."""
    return ",".join(f"{mount.name}:{mount.mount_path}" for mount in mounts)


def _noted(text: str) -> Iterator[tuple[str, str, str]]:
    return (mount.partition(":") for mount in text.split(",") if mount)


def own_secrets(pod: PodTemplate) -> frozenset[str]:
    """The Secrets behind the volumes that mtls-guard has added."""
    return frozenset(name for volume in own_volumes(pod) for name in secrets_in(volume.source))


def own_volumes(pod: PodTemplate) -> tuple[Volume, ...]:
    """The volumes that mtls-guard has added, by annotation or in the pod spec."""
    return tuple(volume for volume in (*pod.volumes, *read_user_volumes(pod).volumes) if is_own(volume.name))
