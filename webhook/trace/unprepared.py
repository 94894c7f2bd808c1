"""Counts the rules that reach a sidecar without intent and whose files it will not hold, however many they are."""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from webhook.model.chain import Answer
from webhook.model.mesh import DestinationRule
from webhook.trace.intent import plain_missing

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

    A file set of which a user mount covers a path is intended, so what remains is what a bare sidecar lacks. What a
    near miss was meant for is told there.
    """
    if picture.injection.answer is not Answer.YES:
        return Unprepared()
    lacking = plain_missing(picture)
    if not lacking.rules:
        return Unprepared()
    near = (files for one in picture.near_misses for files in one.files)
    meant = {files for files in (*picture.intents, *near) if files in lacking.sets}
    count = lacking.rules - sum(lacking.sets[files] for files in meant)
    if count <= 0:
        return Unprepared()
    rest = (files for files in lacking.sets if files not in meant and files in picture.groups)
    return Unprepared(count, tuple(picture.groups[files][0].rule for files in islice(rest, NAMED)))
