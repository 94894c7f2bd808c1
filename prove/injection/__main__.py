"""`python -m prove.injection`: plays the matrix of injection, and writes its page.

With kinds, modes, other webhooks or changes it plays these only, and prints; `--write` puts them into the page as well.
Exit code 1: a cell is silent, or a call comes out otherwise than the files of its Pod say.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from prove.injection.cells import CHANGES, KINDS, MODES, OTHERS, Cell, cells
from prove.injection.page import write
from prove.injection.play import played
from prove.injection.results import Result
from prove.injection.selection import SELECTED
from prove.injection.stage import stage
from prove.injection.traffic import CELLS, with_traffic
from prove.machine import demand_sidecars
from prove.over_time import Story
from rig.parts import MANIFESTS, MESH_PARTS, PARTS, PartMissing, have

PARTS_NEEDED = (*PARTS, *MESH_PARTS, MANIFESTS)


def main() -> int:
    """Reads the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m prove.injection", description=__doc__)
    for name, values in (
        ("kind", KINDS),
        ("mode", MODES),
        ("other", OTHERS),
        ("change", [one.name for one in CHANGES]),
    ):
        parser.add_argument(f"--{name}", action="append", choices=values, default=[], help="may be repeated")
    parser.add_argument("--selected", action="store_true", help="the cells of the tests, and those whose Pods call")
    parser.add_argument("--write", action="store_true", help="put what was played into the page")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what was said and what each Pod has, as JSON")
    asked = parser.parse_args()
    named = list(cells(asked.kind, asked.mode, asked.other, asked.change))
    chosen = [one for one in named if not asked.selected or one in (*SELECTED, *CELLS)]
    whole = len(chosen) == len(list(cells([], [], [], [])))
    try:
        for part in PARTS_NEEDED:
            have(part)
        if whole or asked.selected:
            demand_sidecars()
        return _judged(*_played(chosen, asked, calls=whole or asked.selected), written=whole or asked.write)
    except PartMissing as error:
        print(f"python -m prove.injection: {error}", file=sys.stderr)
        return 1


def _played(chosen: list[Cell], asked: argparse.Namespace, *, calls: bool) -> tuple[list[Result], list[Story]]:
    """What comes of the cells, and of the calls of some of them."""
    begun = time.monotonic()
    with stage() as on:
        say(f"the cluster is ready after {time.monotonic() - begun:.0f} s")
        results: list[Result] = []
        for result in played(on, chosen, say):
            results.append(result)
            if result.wrong:
                say(f"{result.cell} | {result}")
        if asked.keep:
            asked.keep.write_text(json.dumps([_kept(one) for one in results], indent=1), encoding="utf-8")
        called: list[Story] = []
        for story in with_traffic(on.istio, results) if calls else ():
            say(f"{story.title}: {', then '.join(map(str, story.seen))}")
            called.append(story)
    say(f"{len(results)} cells in {time.monotonic() - begun:.0f} s")
    return results, called


def _judged(results: list[Result], calls: list[Story], *, written: bool) -> int:
    """Says what must not be, and writes the page of the whole; the exit code."""
    wrong = [f"SILENT {one.cell}: {one.wrong}" for one in results if one.silent]
    wrong += [f"DISAGREES {one.title}: {one.seen[0]}, not {one.expected[0]}" for one in calls if not one.true]
    for line in wrong:
        print(line, file=sys.stderr)
    if written:
        write(results, calls, datetime.now(UTC).date())
    right, silent = sum(not one.wrong for one in results), sum(one.silent for one in results)
    said = len(results) - right - silent
    print(f"{right} with the files that they ask for, {said} say why not, {silent} silent; {len(calls)} called")
    return int(bool(wrong))


def say(text: str) -> None:
    """Tells how it goes."""
    print(text, flush=True)


def _kept(one: Result) -> dict[str, object]:
    """What a person who looks for the reason needs."""
    said = {str(answer): answer.said for answer in one.answers}
    annotations = one.pod["metadata"].get("annotations", {}) if one.pod else {}
    shown = {key: value for key, value in annotations.items() if "user" in key or "mtls-guard" in key}
    return {
        "cell": str(one.cell),
        "team": one.cell.team,
        "result": str(one),
        "wrong": one.wrong,
        "said": said,
        "annotations": shown,
    }


if __name__ == "__main__":
    sys.exit(main())
