"""A DestinationRule with file paths applies only to sidecars that have the files.

## Why

A DestinationRule applies to every sidecar that sees its host, not only to those of the team that wrote it. Each of
these sidecars tries to read the files. A sidecar that lacks them becomes ready 15 seconds later, and its calls to the
host fail with HTTP 503. Without evidence that the workload intends to use the DestinationRule, mtls-guard does not deny
the workload.

## Fix

Restrict the DestinationRule (`workloadSelector`, `exportTo`), or mount the files if the workload calls the host.

## Source

pilot/pkg/networking/core/cluster.go, `buildOutboundClusters` (Istio 1.31). Seen with real traffic: with missing files,
the Pod is ready only after 15.5 s, and calls fail with 503.
"""

from collections.abc import Iterator
from posixpath import basename

from webhook.istio.injector.paths import is_directory, normal
from webhook.model.finding import Severity, Violation
from webhook.model.mesh import FileSet
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Mount
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import directories, listed, quote, readers
from webhook.trace.intent_evidence import tied
from webhook.trace.mount_candidates import UnexplainedMount
from webhook.trace.unprepared import Unprepared
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation for all rules that reach the sidecar unprepared and unmeant, and one per mount in doubt."""
    if picture.user.rejected or picture.addition.impossible or picture.addition.lacking:
        return
    yield from _doubtful(picture)
    unprepared = picture.unprepared
    if not unprepared.count:
        return
    names = ", ".join(str(rule.ref) for rule in unprepared.named)
    hidden = unprepared.count - len(unprepared.named)
    who = f"{names}{f' and {hidden} more' if hidden > 0 else ''}"
    yield Violation(
        picture.ref,
        picture.pod.path,
        f"the sidecar will lack files that it is told to read by {who}",
        _fix(picture, unprepared),
        certain=False,
    )


def _doubtful(picture: WorkloadPicture) -> Iterator[Violation]:
    """A mount that may be meant for a DestinationRule of the team's own, or for one that is still to come."""
    for stray in picture.unexplained_mounts:
        users = picture.groups[stray.files] if stray.files is not None else ()
        if stray.files is None or stray.evident or not stray.facts or not tied(picture, stray.files, [stray.secret]):
            continue
        if _is_read_as_file(stray.mount, stray.files):
            continue
        problem = f"{quote(stray.mount.mount_path)} does not provide the files that {readers(users)} refers to"
        called = f"if it calls {users[0].service.host}; ignore this if another rule for it follows"
        fix = f"{_change(picture, stray)} {called}"
        yield Violation(picture.ref, f"{stray.mount.path}.mountPath", problem, fix, certain=False)


def _change(picture: WorkloadPicture, stray: UnexplainedMount) -> str:
    """What would provide the files: another place of the mount, or further data keys."""
    supply = picture.provided_files.get(stray.files) if stray.files is not None else None
    if supply is not None and stray.mount in supply.mounts:
        return f"Secret {quote(stray.secret)} needs {listed(basename(path) for path in supply.lost)}"
    paths = (path for _, path in stray.files.items()) if stray.files is not None else ()
    return f"mount at {listed(directories(paths))}"


def _is_read_as_file(mount: Mount, files: FileSet) -> bool:
    """Whether a path is the directory of the mount itself: what is wrong then is said of the DestinationRule."""
    return any(is_directory(path) and normal(path) == normal(mount.mount_path) for _, path in files.items())


def _fix(picture: WorkloadPicture, unprepared: Unprepared) -> str:
    """What to do; of rules of other teams, that there may be nothing to do."""
    if any(rule.ref.namespace == picture.workload.namespace for rule in unprepared.named):
        return "mount them if it calls these hosts; otherwise limit the rule by workloadSelector or exportTo"
    return "there is nothing to do if it never calls these hosts; a workloadSelector or exportTo can limit the rule"


RULE = RuleMetadata(
    title="A DestinationRule applies to a sidecar that lacks its files, and the workload may not use it",
    severity=Severity.WARN,
    about="workload",
    reads=CHAINS | WORKLOADS,
)
