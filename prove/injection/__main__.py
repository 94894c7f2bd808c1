"""`python -m prove.injection`: plays the matrix of injection, and writes its page.

With kinds, modes, other webhooks or changes it plays these only, and prints. Exit code 1: a cell is silent.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from prove.injection.cells import CHANGES, KINDS, MODES, OTHERS, Cell, cells
from prove.injection.page import PAGE, write
from prove.injection.play import played
from prove.injection.results import Result
from prove.injection.stage import stage
from rig.parts import MANIFESTS, PARTS, PartMissing, have

PARTS_NEEDED = (*PARTS, "pilot-discovery", MANIFESTS)


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
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what was said and what each Pod has, as JSON")
    asked = parser.parse_args()
    chosen = list(cells(asked.kind, asked.mode, asked.other, asked.change))
    try:
        for part in PARTS_NEEDED:
            have(part)
        return _played(chosen, asked.keep)
    except PartMissing as error:
        print(f"python -m prove.injection: {error}", file=sys.stderr)
        return 1


def _played(chosen: list[Cell], keep: Path | None) -> int:
    """Plays them; the exit code."""
    begun = time.monotonic()
    with stage() as on:
        say(f"the cluster is ready after {time.monotonic() - begun:.0f} s")
        results = list(played(on, chosen, say))
    if keep:
        keep.write_text(json.dumps([_kept(one) for one in results], indent=1), encoding="utf-8")
    silent = [one for one in results if one.silent]
    for one in silent:
        print(f"SILENT {one.cell}: {one.wrong}", file=sys.stderr)
    whole = len(chosen) == len(list(cells([], [], [], [])))
    if whole:
        write(results, datetime.now(UTC).date())
    said = sum(bool(one.wrong) for one in results) - len(silent)
    written = f"; wrote {PAGE.name}" if whole else ""
    print(
        f"{len(results)} cells in {time.monotonic() - begun:.0f} s: {len(results) - said - len(silent)} with the files "
        f"that they ask for, {said} say why not, {len(silent)} silent{written}"
    )
    return int(bool(silent))


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
