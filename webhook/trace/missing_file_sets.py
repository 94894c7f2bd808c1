"""The file sets that a sidecar without user mounts lacks, computed once per client configuration of a namespace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from posixpath import basename

from webhook.istio.injector.paths import is_possible
from webhook.istio.injector.proxy_filesystem import sidecar_files
from webhook.model.chain import Answer, Injection, UserVolumes
from webhook.model.mesh import FileSet
from webhook.model.workload import PodTemplate
from webhook.trace.context import WorkloadContext

_MOST_UNUSED = 500
"""How many results are kept for file sets that no longer apply, because a removed DestinationRule may return."""


@dataclass(frozen=True, slots=True)
class MissingFileSets:
    """sets: the missing file sets, with the number of DestinationRules for each. rules: DestinationRules in total."""

    sets: Mapping[FileSet, int]
    rules: int


def plain_missing(context: WorkloadContext) -> MissingFileSets:
    """The file sets of the namespace that a sidecar without user mounts lacks; cached in the client configuration."""
    key = "plain missing"
    missing: MissingFileSets | None = context.reach.derived.get(key)
    if missing is None:
        missing = context.reach.derived[key] = _plain_missing(context)
    return missing


def _plain_missing(context: WorkloadContext) -> MissingFileSets:
    lacks = _bare(context)
    lost = {
        files: {user.rule.ref for user in users} for files, users in context.reach.groups({}).items() if lacks(files)
    }
    return MissingFileSets({files: len(refs) for files, refs in lost.items()}, len(set().union(*lost.values())))


def _bare(context: WorkloadContext) -> Callable[[FileSet], bool]:
    """A function that says whether a sidecar without user mounts lacks a file of a file set; the results are cached.

    Such a sidecar mounts no Secret or ConfigMap, so that no change of one makes a result wrong.
    """
    answers: dict[FileSet, bool] = context.view.lasting.setdefault("bare lacks", {})
    present = context.reach.groups({})
    if len(answers) > 2 * len(present) + _MOST_UNUSED:  # the DestinationRules of the others may be deleted
        for files in [stored for stored in answers if stored not in present]:
            del answers[files]
    bare = sidecar_files(PodTemplate("", {}, {}), UserVolumes(), Injection(Answer.YES, ""), context.view.mesh)

    def lacks(files: FileSet) -> bool:
        """Whether the sidecar lacks a file of the set."""
        answer = answers.get(files)
        if answer is None:
            absent = any(bare.resolve(path, context.contents).absent for _, path in context.view.mesh.used(files))
            answer = absent
            if all(is_possible(path) for _, path in files.items()):
                answers[files] = absent
        return answer

    return lacks


def missing_by_names(context: WorkloadContext) -> Mapping[frozenset[str], tuple[FileSet, ...]]:
    """By names of their files: the file sets with a client certificate that a sidecar without user mounts lacks."""
    key = "missing by names"
    by_names: Mapping[frozenset[str], tuple[FileSet, ...]] | None = context.reach.derived.get(key)
    if by_names is None:
        grouped: dict[frozenset[str], list[FileSet]] = {}
        for files in plain_missing(context).sets:
            if files.client_certificate:
                grouped.setdefault(frozenset(basename(path) for _, path in files.items()), []).append(files)
        by_names = context.reach.derived[key] = {names: tuple(file_sets) for names, file_sets in grouped.items()}
    return by_names


def of_own_services(context: WorkloadContext) -> tuple[FileSet, ...]:
    """The file sets for hosts of Kubernetes Services of the namespace, whose servers do not call them."""
    key = "file sets of own services"
    file_sets: tuple[FileSet, ...] | None = context.reach.derived.get(key)
    if file_sets is None:
        groups, name = context.reach.groups({}), context.workload.namespace
        for_own_services = (
            files
            for files, users in groups.items()
            if any(user.service.selector and user.service.namespace == name for user in users)
        )
        file_sets = context.reach.derived[key] = tuple(for_own_services)
    return file_sets
