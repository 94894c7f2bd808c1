"""The files of a DestinationRule are mounted as a whole volume, not with `subPath`.

## Why

A `subPath` is mounted once, when the container starts, and the kubelet never updates it. A renewed certificate in the
Secret does not reach the sidecar, which presents the old certificate until it expires. Then every call fails.

## Fix

Mount the whole volume at the directory, without `subPath`. The file names are the data keys of the Secret, or the names
that `items` assigns.

## Source

Kubernetes: "A container using a Secret as a subPath volume mount does not receive Secret updates".
"""

from collections.abc import Iterator

from webhook.model.chain import Chain, FileState
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS
from webhook.rules._words import directories, listed, read_by
from webhook.trace.workload import WorkloadPicture

SEEN = (FileState.PRESENT, FileState.NOT_IN_INPUT, FileState.NO_OBJECT)


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per volume of which files that a rule reads are mounted by subPath."""
    by_mount: dict[str, list[Chain]] = {}
    for chain in picture.chains:
        mount = chain.file.mount
        if mount is not None and (mount.sub_path or mount.sub_path_expr) and chain.file.state in SEEN:
            by_mount.setdefault(mount.name, []).append(chain)
    for chains in by_mount.values():
        yield _fixed(picture, chains)


def _fixed(picture: WorkloadPicture, chains: list[Chain]) -> Violation:
    mount = chains[0].file.mount
    path = f"{mount.path}.subPath{'' if mount.sub_path else 'Expr'}" if mount is not None else ""
    files = listed((chain.path for chain in chains), 1)
    problem = f"binds a file once: {read_by(chains[0])} never sees a rotation of {files}"
    where = listed(directories(chain.path for chain in chains))
    return Violation(picture.ref, path, problem, f"remove it, and mount the whole volume at {where}")


RULE = RuleMetadata(
    title="A certificate is mounted with subPath, so its rotation never reaches the sidecar",
    severity=Severity.WARN,
    about="workload",
    over="chains",
    reads=CHAINS,
)
