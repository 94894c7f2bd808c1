"""A `subPath` of a mounted Secret names an existing data key, and the path of the DestinationRule names that file.

## Why

`subPath` mounts a single file of a volume. If the volume has no such file, the kubelet creates an empty directory with
that name. The agent then fails to read it with `is a directory`, and every call fails with HTTP 503. If the file
exists, the mount path is the file itself and not a directory that contains it.

## Fix

Name an existing data key in `subPath`, or mount the whole volume, which also receives renewed certificates.

## Source

Kubernetes: subPath of a path that does not exist (pkg/volume/util/subpath). Seen with real traffic: a subPath of a
missing data key causes `is a directory`, and 503.
"""

from collections.abc import Iterator
from posixpath import dirname

from webhook.model.chain import Chain, FileState
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Mount
from webhook.rules._missing import denies
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._words import quote, read_by
from webhook.trace.secret_producers import to_come
from webhook.trace.workload import WorkloadPicture

_SAID = (FileState.DIRECTORY, FileState.BEHIND_SUB_PATH)


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount whose subPath leaves no file where a rule reads one."""
    seen: set[str] = set()
    for chain in picture.chains:
        mount = chain.file.mount
        if chain.file.state in _SAID and mount is not None and mount.path not in seen:
            seen.add(mount.path)
            yield _directory(picture, chain, mount) if mount.sub_path else _whole(picture, chain, mount)


def _whole(picture: WorkloadPicture, chain: Chain, mount: Mount) -> Violation:
    problem = f"{quote(chain.path)}, which {read_by(chain)} reads, is a directory"
    is_mount = chain.path == mount.mount_path.rstrip("/")
    fix = f"mount it at {quote(dirname(chain.path))}" if is_mount else "name a file in the rule's path"
    return Violation(picture.ref, mount.path, problem, fix)


def _directory(picture: WorkloadPicture, chain: Chain, mount: Mount) -> Violation:
    secret, behind = chain.file.object, chain.file.state is FileState.BEHIND_SUB_PATH
    problem = f"{quote(mount.sub_path)} is no key of {secret or 'the volume'}, so that a directory is there"
    fix = "name an existing key, or leave subPath out and mount the whole Secret"
    if behind and secret is None:
        problem = f"makes {quote(mount.mount_path)} a file, and {read_by(chain)} reads {quote(chain.path)}"
    elif behind:
        problem = f"{quote(mount.sub_path)} is no key of {secret}, so that {quote(mount.mount_path)} is empty"
    certain = secret is None or not to_come(picture.view, secret, (chain.file.key,)) or denies(picture, secret)
    return Violation(
        picture.ref, f"{mount.path}.subPath", problem, "leave subPath out" if behind else fix, certain=certain
    )


RULE = RuleMetadata(
    title="A subPath names a data key that does not exist, so a directory is mounted instead of a file",
    severity=Severity.DENY,
    about="workload",
    over="chains",
    reads=CHAINS | PRODUCERS,
)
