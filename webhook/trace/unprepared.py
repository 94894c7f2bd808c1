"""Counts the DestinationRules that apply to a sidecar without intent, and whose files it lacks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from webhook.istio.injector.workload_index import declares_volumes
from webhook.model.chain import Answer
from webhook.model.mesh import DestinationRule, FileSet
from webhook.trace.context import WorkloadContext
from webhook.trace.missing_file_sets import of_own_services, plain_missing
from webhook.trace.near_misses import NearMiss
from webhook.trace.prepared_workloads import prepared_for
from webhook.trace.provided_files import serves_itself
from webhook.trace.running_pods import running_pods

NAMED = 3


@dataclass(frozen=True, slots=True)
class Unprepared:
    """count: DestinationRules whose files are missing. named: the first of them, for the message."""

    count: int = 0
    named: tuple[DestinationRule, ...] = ()


def unprepared(context: WorkloadContext, intended: Collection[FileSet], near_misses: Iterable[NearMiss]) -> Unprepared:
    """The DestinationRules that apply without intent, and whose files the sidecar certainly lacks.

    A file set that the user mounts provide in full is intended, so that those which a sidecar without user mounts lacks
    remain. Not counted are those of a near miss, which another rule reports, those of the workload's own service,
    and those that running Pods have, because another webhook may mount them.
    """
    if context.injection.answer is not Answer.YES:
        return Unprepared()
    lacking = plain_missing(context)
    if not lacking.rules:
        return Unprepared()
    near = (files for near_miss in near_misses for files in near_miss.files)
    running = (files for files in lacking.sets if _runs_with(context, files)) if _with_mounts(context) else ()
    behind = (files for files in of_own_services(context) if serves_itself(context, files))
    meant = {files for files in (*intended, *near, *behind, *running) if files in lacking.sets}
    count = lacking.rules - sum(lacking.sets[files] for files in meant)
    if count <= 0:
        return Unprepared()
    unmeant = (files for files in lacking.sets if files not in meant and files in context.groups)
    return Unprepared(count, tuple(context.groups[files][0].rule for files in islice(unmeant, NAMED)))


def _with_mounts(context: WorkloadContext) -> bool:
    """Whether the workload has running Pods whose sidecar has user mounts."""
    return any(declares_volumes(pod.template) for pod in running_pods(context.view, context.ref))


def _runs_with(context: WorkloadContext, files: FileSet) -> bool:
    """Whether running Pods of the workload have these files."""
    return context.ref in prepared_for(context.view, files).get(context.workload.namespace, frozenset())
