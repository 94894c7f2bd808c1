"""`python -m rig.oracles [CASES] [SEED]`: each comparison on so many generated cases; exit 1 at a disagreement."""

import sys

from rig.oracles.asking import Tally
from rig.oracles.files import compare_files
from rig.oracles.pods import compare_pods

SHOWN = 5
COMPARISONS = {"pods": compare_pods, "files": compare_files}


def told(name: str, tally: Tally) -> str:
    """The tally in lines: counts, what happened, what is explained, the first disagreements."""
    lines = [f"{name}: {tally.cases} cases, {tally.answers} answers compared, {len(tally.wrong)} disagree"]
    lines += [f"  {count:7} {what}" for what, count in tally.outcomes.most_common()]
    lines += [f"  {count:7} explained: {what}" for what, count in tally.explained.most_common()]
    return "\n".join([*lines, *(f"  WRONG {one}" for one in tally.wrong[:SHOWN])])


def main(arguments: list[str]) -> int:
    """Runs every comparison, prints what it found; 1 where anything disagrees."""
    cases, seed = (
        (int(one) for one in [*arguments, "20000", "1"][:2]) if len(arguments) != 1 else (int(arguments[0]), 1)
    )
    wrong = 0
    for name, compare in COMPARISONS.items():
        tally = compare(seed, cases)
        print(told(name, tally), flush=True)
        wrong += len(tally.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
