"""The picture of a workload whose Pods have the injected volumes and mounts; the picture of a Pod as it is."""

from dataclasses import replace

from webhook.model.expiry_horizon import Horizon
from webhook.model.injection_plan import Addition
from webhook.model.occasion import STATE, Occasion
from webhook.model.workload import Workload
from webhook.trace.injected_template import written
from webhook.trace.injection_plan import plan
from webhook.trace.injection_request import opts_in
from webhook.trace.injection_unavailable import hindrance_of, unavailable
from webhook.trace.managed_entries import has_own, is_outdated, lacking, without_own
from webhook.trace.workload import WorkloadPicture
from webhook.view import ClusterView


def picture_as_injected(
    workload: Workload, view: ClusterView, horizon: Horizon, occasion: Occasion = STATE
) -> WorkloadPicture:
    """The picture of the workload; if it opts in, with the volumes and mounts that injection adds to its template."""
    as_it_is = WorkloadPicture(workload, view, horizon, occasion=occasion)
    if not (opts_in(as_it_is) or has_own(workload.template)):
        return as_it_is
    unmanaged = without_own(workload)
    by_people = as_it_is if unmanaged is workload else WorkloadPicture(unmanaged, view, horizon, occasion=occasion)
    addition = plan(by_people)
    hindrance = hindrance_of(as_it_is) if not addition.impossible else None
    if hindrance is not None:
        missing = unavailable(as_it_is, hindrance) if addition.opted_in else None
        as_it_is.addition = Addition(opted_in=addition.opted_in, unavailable=missing, awaited=addition.awaited)
        return as_it_is
    if is_finished(workload, occasion):
        as_it_is.addition = _as_it_is(workload, addition)
        return as_it_is
    if not is_outdated(workload.template, by_people.declaration, addition):
        as_it_is.addition = addition
        return as_it_is
    as_injected = replace(workload, template=written(unmanaged.template, addition))
    return WorkloadPicture(as_injected, view, horizon, addition, occasion)


def is_finished(workload: Workload, occasion: Occasion) -> bool:
    """Whether it is a Pod that all mutating webhooks have processed: the API server has stored it, or validates it."""
    return workload.ref.kind == "Pod" and bool(workload.created or workload.controller or occasion.request)


def _as_it_is(pod: Workload, addition: Addition) -> Addition:
    """The addition without volumes and mounts, because a finished Pod cannot get any; it lists the missing ones."""
    return replace(addition, volumes=(), mounts=(), lacking=lacking(pod.template, addition))
