"""What near misses have in common in their messages: which rule they were meant for."""

from collections.abc import Iterator

from webhook.rules._words import readers
from webhook.trace.near_misses import NearMiss
from webhook.trace.workload import WorkloadPicture


def slips(picture: WorkloadPicture, kind: str) -> Iterator[NearMiss]:
    """The near misses of one kind."""
    for slip in picture.near_misses:
        if slip.kind == kind:
            yield slip


def effect(picture: WorkloadPicture, slip: NearMiss) -> str:
    """`: files of DestinationRule project/external are missing`, or nothing where none was meant."""
    users = [user for files in slip.files for user in picture.groups.get(files, ())]
    return f": files of {readers(users)} are missing" if users else ""
