"""Which of the file sets that apply to a workload it means to use.

A DestinationRule applies to every sidecar that sees its host, also to hundreds that never call it. A workload is only
denied for file sets that it means to use. `intent_evidence` defines what counts as evidence.
"""

from collections.abc import Iterable, Iterator, Mapping

from webhook.model.chain import Intent
from webhook.model.mesh import FileSet
from webhook.trace.context import WorkloadContext
from webhook.trace.injection_request import named_by, opts_in
from webhook.trace.intent_evidence import connected
from webhook.trace.mount_candidates import UnexplainedMount
from webhook.trace.provided_files import ProvidedFiles, serves_itself
from webhook.trace.routed_file_sets import routed
from webhook.trace.secret_choice import choose


def intents(
    context: WorkloadContext, provided: Mapping[FileSet, ProvidedFiles], mounts: Iterable[UnexplainedMount]
) -> Mapping[FileSet, Intent]:
    """The file sets that the workload means to use, by the strongest reason: declared, selected, evident."""
    meant: dict[FileSet, Intent] = {}
    if not context.has_sidecar or not context.groups:
        return meant
    for files in _declared(context):
        meant[files] = Intent.DECLARED
    for files in selected(context):
        meant.setdefault(files, Intent.SELECTED)
    for files in _evident(context, provided, mounts):
        meant.setdefault(files, Intent.EVIDENT)
    for files, intent in tuple(meant.items()):
        for routed_files in routed(context, files):
            meant.setdefault(routed_files, intent)
    return meant


def _evident(
    context: WorkloadContext, provided: Mapping[FileSet, ProvidedFiles], mounts: Iterable[UnexplainedMount]
) -> Iterator[FileSet]:
    """The file sets that the user mounts provide in full, and those for which further evidence explains a mount."""
    for files, by_mounts in provided.items():
        if not by_mounts.complete or files in context.set_aside:
            continue
        if not by_mounts.doubtful or connected(context, by_mounts):
            yield files
    for mount in mounts:
        if mount.evident and mount.files is not None:
            yield mount.files


def selected(context: WorkloadContext) -> Iterator[FileSet]:
    """The file sets of DestinationRules whose workloadSelector selects the pod, unless it is a server of their host."""
    for files in context.reach.selected(context.pod.labels):
        if not serves_itself(context, files):
            yield files


def _declared(context: WorkloadContext) -> Iterator[FileSet]:
    """File sets whose host or Secret the workload names, or whose DestinationRule names a Secret for the workload."""
    declaration = context.declaration
    if not (declaration.secrets or declaration.destinations or opts_in(context)):
        return
    for files, users in context.groups.items():
        if any(user.service.host in declaration.destinations for user in users):
            yield files
    if not declaration.destinations and any(named_by(user) for users in context.groups.values() for user in users):
        yield from (chosen.request.files for chosen in choose(context).chosen if chosen.request.named)
