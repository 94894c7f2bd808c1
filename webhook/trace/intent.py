"""Which of the file sets that apply to a workload it means to use (`design.md`, section 4, "Intent").

A DestinationRule reaches every sidecar that sees its host, also hundreds that never call it; only what a workload means
can be denied. Leaves to rules what follows from it, and to `signs` what a second sign is.
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
    """The file sets that the workload means to use; declared before selected before evident."""
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
    """The file sets that the user mounts provide in full, and those for which a mount with a second sign is meant."""
    for files, by_mounts in provided.items():
        if not by_mounts.complete or files in context.set_aside:
            continue
        if not by_mounts.doubtful or connected(context, by_mounts):
            yield files
    for mount in mounts:
        if mount.evident and mount.files is not None:
            yield mount.files


def selected(context: WorkloadContext) -> Iterator[FileSet]:
    """The file sets of DestinationRules whose workloadSelector picks the pod, if it is not behind their host itself."""
    for files in context.reach.selected(context.pod.labels):
        if not serves_itself(context, files):
            yield files


def _declared(context: WorkloadContext) -> Iterator[FileSet]:
    """File sets of which the workload names the host or the Secret, or whose DestinationRule names one for it."""
    declaration = context.declaration
    if not (declaration.secrets or declaration.destinations or opts_in(context)):
        return
    for files, users in context.groups.items():
        if any(user.service.host in declaration.destinations for user in users):
            yield files
    if not declaration.destinations and any(named_by(user) for users in context.groups.values() for user in users):
        yield from (chosen.request.files for chosen in choose(context).chosen if chosen.request.named)
