"""The picture of a workload as its pods will be once our own injection has been at them."""

from dataclasses import replace

from webhook.kinds.volume import read_mount, read_volume
from webhook.model.addition import Addition
from webhook.model.horizon import Horizon
from webhook.model.occasion import STATE, Occasion
from webhook.model.workload import PROXY, Container, PodTemplate, Workload
from webhook.trace.added_entries import mount_entry, volume_entry
from webhook.trace.addition import plan
from webhook.trace.opt_in import opts_in
from webhook.trace.unavailable import unavailable
from webhook.trace.workload import WorkloadPicture
from webhook.view import ClusterView


def picture_as_injected(
    workload: Workload, view: ClusterView, horizon: Horizon, occasion: Occasion = STATE
) -> WorkloadPicture:
    """The picture of the workload; of one that opted in, with what injection will add to its template, if anything."""
    written = WorkloadPicture(workload, view, horizon, occasion=occasion)
    if not opts_in(written):
        return written
    addition = plan(written)
    missing = unavailable(written) if not addition.impossible else None
    if missing is not None:
        addition = Addition(opted_in=True, unavailable=missing, awaited=addition.awaited)
    if not addition:
        written.addition = addition
        return written
    as_injected = replace(workload, template=_with(workload.template, addition))
    return WorkloadPicture(as_injected, view, horizon, addition, occasion)


def _with(pod: PodTemplate, addition: Addition) -> PodTemplate:
    if addition.annotations:
        return replace(pod, annotations={**pod.annotations, **addition.annotations})
    path = f"{pod.path}.spec" if pod.path else "spec"
    volumes = tuple(read_volume(volume_entry(one), f"{path}.volumes") for one in addition.volumes)
    mounts = tuple(read_mount(mount_entry(one), f"{path}.containers.volumeMounts") for one in addition.mounts)
    own = pod.container(PROXY) or Container(PROXY, "auto", path=f"{path}.containers")
    mounted = replace(own, mounts=(*own.mounts, *mounts))
    others = tuple(one for one in pod.containers if one is not own)
    return replace(pod, volumes=(*pod.volumes, *volumes), containers=(*others, mounted))
