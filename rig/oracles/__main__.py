"""`python -m rig.oracles [CASES] [SEED]`: every comparison, a third of the cases each; exit 1 at a disagreement.

Without arguments it also writes what it counted into docs/oracles.md.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from rig.oracles.asking import Tally
from rig.oracles.clusters import compare_clusters
from rig.oracles.files import compare_files
from rig.oracles.pods import compare_pods

SHOWN = 5
CASES, SEED = 21000, 1
COMPARISONS = {"pods": compare_pods, "clusters": compare_clusters, "files": compare_files}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "oracles.md"
BEGIN, END = "<!-- counted: begin -->", "<!-- counted: end -->"


def told(name: str, tally: Tally) -> str:
    """The tally in lines: counts, what happened, what is explained, the first disagreements."""
    lines = [f"{name}: {tally.cases} cases, {tally.answers} answers compared, {len(tally.wrong)} disagree"]
    lines += [f"  {count:7} {what}" for what, count in tally.outcomes.most_common()]
    lines += [f"  {count:7} explained: {what}" for what, count in tally.explained.most_common()]
    return "\n".join([*lines, *(f"  WRONG {one}" for one in tally.wrong[:SHOWN])])


def written(page: str, tallies: Mapping[str, Tally]) -> str:
    """The page with the counts between its two marks."""
    rows = ["| comparison | cases | answers compared | named | disagree |", "|---|---|---|---|---|"]
    rows += [
        f"| {name} | {one.cases:,} | {one.answers:,} | {one.explained.total():,} | {len(one.wrong)} |"
        for name, one in tallies.items()
    ]
    before, _, rest = page.partition(BEGIN)
    return "\n".join([before + BEGIN, "", *rows, "", END + rest.partition(END)[2]])


def main(arguments: list[str]) -> int:
    """Runs every comparison, prints what it found; 1 where anything disagrees."""
    given = [int(one) for one in arguments]
    cases, seed = (*given, *(CASES, SEED)[len(given) :])
    tallies = {}
    for name, compare in COMPARISONS.items():
        tallies[name] = compare(seed, cases // len(COMPARISONS))
        print(told(name, tallies[name]), flush=True)
    if not arguments:
        PAGE.write_text(written(PAGE.read_text("utf-8"), tallies), encoding="utf-8")
    return int(any(one.wrong for one in tallies.values()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
