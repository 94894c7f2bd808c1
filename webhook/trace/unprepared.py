"""Counts the rules that reach a sidecar without intent and whose files it will not hold, however many they are."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from webhook.istio.injector.workload_index import declares_volumes
from webhook.model.chain import Answer
from webhook.model.mesh import DestinationRule, FileSet
from webhook.trace.missing_file_sets import of_own_services, plain_missing
from webhook.trace.prepared_workloads import prepared_for
from webhook.trace.provided_files import serves_itself
from webhook.trace.running_pods import running_pods

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture

NAMED = 3


@dataclass(frozen=True, slots=True)
class Unprepared:
    """count: rules whose files will be missing. named: the first few of them, to show."""

    count: int = 0
    named: tuple[DestinationRule, ...] = ()


def unprepared(picture: "WorkloadPicture") -> Unprepared:
    """The rules in force without intent whose files the sidecar will certainly not hold.

    A file set that the user mounts provide in full is intended, so what remains is what a bare sidecar lacks. What a
    near miss was meant for is told there, a server does not call itself, and another webhook may mount the files.
    """
    if picture.injection.answer is not Answer.YES:
        return Unprepared()
    lacking = plain_missing(picture)
    if not lacking.rules:
        return Unprepared()
    near = (files for one in picture.near_misses for files in one.files)
    running = (files for files in lacking.sets if _runs_with(picture, files)) if _with_mounts(picture) else ()
    behind = (files for files in of_own_services(picture) if serves_itself(picture, files))
    meant = {files for files in (*picture.intents, *near, *behind, *running) if files in lacking.sets}
    count = lacking.rules - sum(lacking.sets[files] for files in meant)
    if count <= 0:
        return Unprepared()
    rest = (files for files in lacking.sets if files not in meant and files in picture.groups)
    return Unprepared(count, tuple(picture.groups[files][0].rule for files in islice(rest, NAMED)))


def _with_mounts(picture: "WorkloadPicture") -> bool:
    """Whether Pods run for the workload whose sidecar has user mounts."""
    return any(declares_volumes(pod.template) for pod in running_pods(picture.view, picture.ref))


def _runs_with(picture: "WorkloadPicture", files: FileSet) -> bool:
    """Whether Pods of the workload run with these files."""
    return picture.ref in prepared_for(picture.view, files).get(picture.workload.namespace, frozenset())
