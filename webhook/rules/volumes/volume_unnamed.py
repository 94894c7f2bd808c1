"""Each entry of `userVolume` and `userVolumeMount` has a name.

## Why

The injector names an entry without `name` after its position: `0`, `1`, and so on. Volume and mount then match only if
they are at the same position. Otherwise the mount names a volume that does not exist, and the API server rejects the
Pod. The field name is case-sensitive: `Name` is not `name`.

This rule denies if a mount does not find its volume, and warns if they match only because of their positions.

## Fix

Write the same `"name"`, for example `"client"`, into both entries.

## Source

The injection template writes the position as name before the fields of the entry (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import annotation_faults, explained_by_name, mount_faults, unnamed
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import USER_VOLUME_MOUNT, quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per entry without a name."""
    for fault in annotation_faults(picture, "unnamed"):
        astray = _astray(picture)
        effect = ", which is no volume" if USER_VOLUME_MOUNT in fault.path else ", which no mount names"
        problem = fault.detail + (effect if astray else "")
        fix = f'spell it "name" instead of "{fault.field}"' if fault.suggestion else _name(picture)
        yield Violation(picture.ref, fault.path, problem, fix, certain=astray)


def _astray(picture: WorkloadPicture) -> bool:
    """Whether a mount finds no volume, for want of a name on either side."""
    return any(explained_by_name(picture, mount_fault) for mount_fault in mount_faults(picture, "volume-not-found"))


def _name(picture: WorkloadPicture) -> str:
    """The name that the other annotation's only entry has, if it has one of its own."""
    entries = {user_entry.path: user_entry.name for user_entry in picture.user.volumes} | {
        user_entry.path: user_entry.name for user_entry in picture.user.mounts
    }
    names = {name for path, name in entries.items() if not unnamed(picture, path)}
    name = names.pop() if len(names) == 1 and len(entries) == 2 else "client"
    return f'write "name": {quote(name)} into it'


RULE = RuleMetadata(
    title="An entry of a user volume annotation has no name and is named after its position",
    severity=Severity.DENY,
    about="workload",
    over="annotation_faults",
    reads=NAMESPACE,
)
