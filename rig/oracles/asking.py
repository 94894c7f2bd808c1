"""Asks the program `oracle` (rig/go/oracle) about many cases, and says how far our answers are from its own."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rig.parts import have

BATCH = 250
"""Cases for one start of the program: istiod's code keeps a part of every mesh that it has seen."""
BATCH_SECONDS = 600
Json = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What a comparison found. cases: generated ones; answers: single facts compared; wrong: every disagreement.

    outcomes: how often each thing happened, so that a generator that only makes refusals is seen.
    explained: how often a disagreement was one that the code names, by that name.
    """

    cases: int = 0
    answers: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


Compare = Callable[[Json, Json, Tally], None]
"""Adds to the tally what the comparison of a case with the program's answer shows."""


def compare_all(mode: str, cases: Iterable[Json], compare: Compare) -> Tally:
    """The tally over all cases.

    Raises:
        PartMissing: the program is not here and cannot be built.
    """
    tally = Tally()
    for batch in _batches(cases):
        for case, answer in zip(batch, ask(mode, batch), strict=True):
            tally.cases += 1
            compare(case, answer, tally)
    return tally


def ask(mode: str, cases: Sequence[Json]) -> list[Json]:
    """The program's answers, one for each case, in order."""
    lines = "\n".join(json.dumps(case) for case in cases)
    answer = subprocess.run(
        [have("oracle"), mode], input=lines, capture_output=True, text=True, timeout=BATCH_SECONDS, check=False
    )
    if answer.returncode:
        raise RuntimeError(f"oracle {mode} ended with {answer.returncode}: {answer.stderr[-2000:]}")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def _batches(cases: Iterable[Json]) -> Iterator[list[Json]]:
    rest = iter(cases)
    while batch := list(islice(rest, BATCH)):
        yield batch
