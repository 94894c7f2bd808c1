"""Which of the file sets that apply to a workload it means to use (`design.md`, section 4, "Intent").

A DestinationRule reaches every sidecar that sees its host, also hundreds that never call it; only what a workload means
can be denied. Leaves to rules what follows from it, and to `signs` what a second sign is.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from webhook.model.chain import Intent
from webhook.model.mesh import FileSet
from webhook.trace.injection_request import named_by, opts_in
from webhook.trace.intent_evidence import connected
from webhook.trace.provided_files import serves_itself
from webhook.trace.routed_file_sets import routed
from webhook.trace.secret_choice import choose

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture


def intents(picture: "WorkloadPicture") -> Mapping[FileSet, Intent]:
    """The file sets that the workload means to use; declared before selected before evident."""
    meant: dict[FileSet, Intent] = {}
    if not picture.has_sidecar or not picture.groups:
        return meant
    for files in _declared(picture):
        meant[files] = Intent.DECLARED
    for files in selected(picture):
        meant.setdefault(files, Intent.SELECTED)
    for files in _evident(picture):
        meant.setdefault(files, Intent.EVIDENT)
    for files, intent in tuple(meant.items()):
        for other in routed(picture, files):
            meant.setdefault(other, intent)
    return meant


def _evident(picture: "WorkloadPicture") -> Iterator[FileSet]:
    """The file sets that the user mounts provide in full, and those for which a mount with a second sign is meant."""
    for files, supply in picture.supplies.items():
        if supply.complete and files not in picture.set_aside and (not supply.doubtful or connected(picture, supply)):
            yield files
    for stray in picture.strays:
        if stray.evident and stray.files is not None:
            yield stray.files


def selected(picture: "WorkloadPicture") -> Iterator[FileSet]:
    """The file sets of DestinationRules whose workloadSelector picks the pod, if it is not behind their host itself."""
    for files in picture.reach.selected(picture.pod.labels):
        if not serves_itself(picture, files):
            yield files


def _declared(picture: "WorkloadPicture") -> Iterator[FileSet]:
    """File sets of which the workload names the host or the Secret, or whose DestinationRule names one for it."""
    declaration = picture.declaration
    if not (declaration.secrets or declaration.destinations or opts_in(picture)):
        return
    for files, users in picture.groups.items():
        if any(user.service.host in declaration.destinations for user in users):
            yield files
    if not declaration.destinations and any(named_by(user) for users in picture.groups.values() for user in users):
        yield from (one.wish.files for one in choose(picture).chosen if one.wish.named)
