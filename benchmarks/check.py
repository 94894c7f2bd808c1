"""`mtls-guard check` on repositories of different size, each in a process of its own, from a cold start."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.child import Usage, run
from benchmarks.cluster import Size, write
from benchmarks.row import Row
from benchmarks.worked import secret
from examples.demo import WORKED

WORKLOADS, RULES = 5000, 1000
STARTS = 7
FOUND = 1


def rows() -> Iterator[Row]:
    """The figures of the usual repository, of one twice as large, and of the worked example."""
    with tempfile.TemporaryDirectory(prefix="mtls-guard-bench-") as folder:
        usual, double = _written(Path(folder), WORKLOADS), _written(Path(folder), 2 * WORKLOADS)
        first, twice, again = _checked(usual), _checked(double), _checked(usual)
        yield from _of_usual([first, again])
        ratio = twice.processor_seconds * 2 / (first.processor_seconds + again.processor_seconds)
        yield Row(
            f"its processor time for {2 * WORKLOADS} workloads to that for {WORKLOADS}", ratio, "x", 2.3, robust=True
        )
        yield from _of_worked(Path(folder))


def _written(folder: Path, workloads: int) -> Path:
    """A folder with so many workloads and Secrets, and the usual number of rules."""
    place = folder / str(workloads)
    place.mkdir()
    write(place, Size(workloads, RULES, RULES, workloads))
    return place


def _checked(place: Path, expected: int = FOUND) -> Usage:
    used = run("check", "--complete", str(place))
    if used.exit_code != expected:
        raise RuntimeError(f"check of {place} ended with {used.exit_code}, not with {expected}")
    return used


def _of_usual(used: list[Usage]) -> Iterator[Row]:
    what = f"check of {WORKLOADS} workloads, {WORKLOADS} Secrets, {RULES} rules"
    yield Row(what, min(one.seconds for one in used), "s", 10)
    yield Row("its processor time", min(one.processor_seconds for one in used), "s")
    yield Row("its memory", max(one.memory_mib for one in used), "MiB", 400, robust=True)


def _of_worked(folder: Path) -> Iterator[Row]:
    place = folder / "secret"
    place.mkdir()
    (place / "secret.json").write_text(json.dumps(secret()), encoding="utf-8")
    used = [run("check", "--complete", str(WORKED), str(place)) for _ in range(STARTS)]
    if any(one.exit_code for one in used):
        raise RuntimeError("the worked example has findings")
    yield Row("check of the worked example, from a cold start", median(one.seconds for one in used), "s", 0.5)
    yield Row("its processor time", median(one.processor_seconds for one in used), "s")
