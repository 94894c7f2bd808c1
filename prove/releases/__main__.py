"""`python -m prove.releases`: brings releases of every shape by every tool, and writes what came of it to the page.

With shapes or tools it tries these only, and prints. Exit code 1: a tool was stopped that must not be.
"""

import argparse
import sys
import time
from datetime import UTC, datetime

from prove.releases.matrix import Tried, matrix
from prove.releases.moves import Move, moves
from prove.releases.page import PAGE, cell, move_rows, write
from prove.releases.shapes import SHAPES
from prove.releases.stage import stage
from prove.releases.tools import TOOLS
from rig.parts import PARTS, RELEASE_PARTS, PartMissing, have


def main() -> int:
    """Reads the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m prove.releases", description=__doc__)
    parser.add_argument("--shape", action="append", choices=[*SHAPES], help="this shape only; may be repeated")
    parser.add_argument(
        "--tool", action="append", choices=[tool.name for tool in TOOLS], help="this tool only; may be repeated"
    )
    parser.add_argument("--moves", action="store_true", help="only the moves of mounts and DestinationRules")
    parser.add_argument("--verbose", action="store_true", help="print what the tools print")
    asked = parser.parse_args()
    print(
        "Having Kubernetes, Helm, Flux, Argo CD and cert-manager; what is not here yet is built, once ...", flush=True
    )
    try:
        for part in (*PARTS, *RELEASE_PARTS):
            have(part)
        return _tried(asked)
    except PartMissing as error:
        print(f"python -m prove.releases: {error}", file=sys.stderr)
        return 1


def _tried(asked: argparse.Namespace) -> int:
    """Tries what is asked for; writes the page when that is all."""
    start = time.monotonic()
    tools = [tool for tool in TOOLS if not asked.tool or tool.name in asked.tool]
    tried: list[Tried] = []
    moved: list[Move] = []
    with stage() as plane:
        for one in matrix(plane, [] if asked.moves else asked.shape or [*SHAPES], tools):
            print(f"{one.tool.name} | {one.shape} | {one.step} | {cell(one)}", flush=True)
            tried.append(one)
            if asked.verbose:
                print("\n".join(attempt.said for attempt in one.attempts), flush=True)
        for move in [] if asked.shape else moves(plane, tools):
            print(" | ".join(next(move_rows([move]))), flush=True)
            moved.append(move)
            if asked.verbose:
                print("\n".join(step.said for step in (move.at_once, *move.steps, move.annotated)), flush=True)
    return _judged(tried, moved, whole=not (asked.shape or asked.tool or asked.moves), seconds=time.monotonic() - start)


def _judged(tried: list[Tried], moved: list[Move], *, whole: bool, seconds: float) -> int:
    """Says what must not be; the exit code."""
    found = [f"{one.tool.name}, {one.shape}, {one.step}: {fault}" for one in tried for fault in one.faults()]
    found += [f"{one.tool.name}, a move of {one.hosts} hosts: {fault}" for one in moved for fault in one.faults()]
    for line in found:
        print(f"WRONG {line}", file=sys.stderr)
    if whole:
        write(tried, moved, datetime.now(UTC).date())
    written = f"; wrote {PAGE.name}" if whole else ""
    print(f"{len(tried)} releases and {len(moved)} moves in {seconds:.0f} s, {len(found)} wrong{written}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
