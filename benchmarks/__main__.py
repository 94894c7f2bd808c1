"""`python -m benchmarks [PART...]`: measures, and prints each figure beside what was promised.

Absolute figures mean something on an idle machine with two cores only; ratios come from one run, in turns, and hold
anywhere. So a miss ends with 0, unless `--strict` asks for 1.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import perf_counter

from benchmarks.row import Row, markdown

USUAL = ("verdict", "mutation", "serving", "check")
PARTS = (*USUAL, "connections", "mutate", "live", "scale", "churn", "bursts")


def main() -> None:
    """Measures the parts that are asked for."""
    asked = _arguments()
    rows: list[Row] = []
    for part in asked.parts or USUAL:
        rows += _measured(part, quiet=asked.json)
    if asked.json:
        print(json.dumps([asdict(row) | {"target": row.target, "verdict": row.verdict} for row in rows], indent=2))
    else:
        print("\n" + "\n".join((*_surroundings(), "", *markdown(rows))))
    if asked.write:
        _write(asked.write, rows)
    sys.exit(1 if asked.strict and any(row.verdict == "miss" for row in rows) else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures what was promised.")
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        choices=[*PARTS, []],
        help=f"of {', '.join(PARTS)}; default: those that need no cluster",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this Markdown file, too")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a promise was not kept")
    return parser.parse_args()


def _measured(part: str, *, quiet: bool) -> Iterator[Row]:
    """The figures of one part, told as they come."""
    start = perf_counter()
    for row in import_module(f"benchmarks.{part}").rows():
        if not quiet:
            print(f"{row.verdict or '-':<5} {row.what}: {row.result} ({row.target})", flush=True)
        yield row
    if not quiet:
        print(f"      {part} took {perf_counter() - start:.0f} s", flush=True)


def _surroundings() -> Iterator[str]:
    """What it was measured on."""
    load, cores = os.getloadavg()[0], os.cpu_count()
    yield f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {cores} cores, Python {platform.python_version()},"
    yield f"load average {load:.1f}{'' if load < 1.5 * (cores or 1) else ': busy, so that only ratios count'}."


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _write(file: Path, rows: Iterable[Row]) -> None:
    """Replaces what stands between the two marks of the file."""
    begin, end = "<!-- measured: begin -->", "<!-- measured: end -->"
    before, _, rest = file.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    table = "\n".join((begin, "", *_surroundings(), "", *markdown(rows), "", end))
    file.write_text(before + table + after, encoding="utf-8")


if __name__ == "__main__":
    main()
