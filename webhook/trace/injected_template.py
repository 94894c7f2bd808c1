"""A pod template with what injection adds to it: in the two annotations of Istio, or in the pod spec."""

from dataclasses import replace

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.kinds.opt_in_annotations import INJECTED
from webhook.kinds.volume import read_mount, read_volume
from webhook.model.injection_plan import Addition
from webhook.model.workload import PROXY, Container, PodTemplate
from webhook.trace.injected_entries import mount_entry, volume_entry
from webhook.trace.managed_entries import annotated, noted


def written(pod: PodTemplate, addition: Addition) -> PodTemplate:
    """The pod template with the addition. pod: the template without the volumes and mounts of an earlier injection."""
    volumes, mounts = map(volume_entry, addition.volumes), map(mount_entry, addition.mounts)
    if not addition.in_spec:
        entries = {USER_VOLUME: [*volumes], USER_VOLUME_MOUNT: [*mounts]}
        return replace(pod, annotations=annotated(pod.annotations, entries))
    path = f"{pod.path}.spec" if pod.path else "spec"
    proxy = pod.container(PROXY) or Container(PROXY, "auto", path=f"{path}.containers")
    mounted = replace(
        proxy, mounts=(*proxy.mounts, *(read_mount(entry, f"{path}.containers.volumeMounts") for entry in mounts))
    )
    return replace(
        pod,
        annotations={**pod.annotations, INJECTED: noted(addition.mounts)},
        volumes=(*pod.volumes, *(read_volume(entry, f"{path}.volumes") for entry in volumes)),
        containers=(*(container for container in pod.containers if container is not proxy), mounted),
    )
