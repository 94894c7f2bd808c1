"""The tables of `docs/releases.md` that say what was tried: written between two marks, and read again by a test."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from prove.releases.answers import Answer
from prove.releases.matrix import Tried
from prove.releases.moves import Move
from rig.parts import BUILDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "releases.md"
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"
PROGRAMS = {
    "kubernetes": "kube-apiserver and kubectl",
    "helm": "Helm",
    "flux": "Flux's apply (fluxcd/pkg/ssa)",
    "argocd": "Argo CD's sync (gitops-engine)",
    "cert-manager": "cert-manager's controllers",
}
Row = tuple[str, ...]


def write(tried: Sequence[Tried], moves: Sequence[Move], on: date) -> None:
    """Puts the tables between the marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(tried, moves, on)}\n\n{END}{after}", encoding="utf-8")


def tables(tried: Sequence[Tried], moves: Sequence[Move], on: date) -> str:
    """The versions, what came of installs and upgrades, and what came of moves."""
    return "\n".join((versions(on), "", *table(HEAD, rows(tried)), "", *table(MOVES_HEAD, move_rows(moves))))


def versions(on: date) -> str:
    """The day, and what was run."""
    pinned = {build.folder: build.version for build in BUILDS}
    listed = ", ".join(f"{name} {pinned[folder]}" for folder, name in PROGRAMS.items())
    return f"Tried on {on:%Y-%m-%d} with {listed}."


HEAD: Row = ("release", "tool", "install", "upgrade")
MOVES_HEAD: Row = (
    "tool",
    "hosts",
    "both at once",
    "changed by it",
    "in three releases",
    "both at once, annotated",
)


def table(head: Row, content: Iterable[Row]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in content:
        yield f"| {' | '.join(row)} |"


def rows(tried: Sequence[Tried]) -> Iterator[Row]:
    """For each shape, the tools that came to the same share a row."""
    for shape in dict.fromkeys(one.shape for one in tried):
        shared: dict[Row, list[str]] = {}
        for tool in dict.fromkeys(one.tool for one in tried):
            cells = {one.step: cell(one) for one in tried if (one.shape, one.tool) == (shape, tool)}
            if cells:
                shared.setdefault(tuple(cells.values()), []).append(tool.name)
        for cells_of, tools in shared.items():
            yield (shape, "; ".join(tools), *cells_of)


def cell(one: Tried) -> str:
    """What came of one cell."""
    if one.wrong:
        return f"WRONG: {'; '.join(one.wrong)}"
    told = _of_attempts(one.attempts)
    if one.rehearsed is None:
        return told
    return f"dry run: {word(one.rehearsed)}; then {told}"


def _of_attempts(attempts: Sequence[Answer]) -> str:
    first, last = attempts[0], attempts[-1]
    if first is last:
        return word(first)
    return f"{word(first)}; the same input again: {'admitted' if last.good else word(last)}"


def word(one: Answer) -> str:
    """How an attempt ended."""
    if not one.good:
        return f"denied: {ids(one.denied) or 'by something else'}"
    return f"admitted, warns: {ids(one.warned)}" if one.warned else "admitted"


def ids(rules: Iterable[str]) -> str:
    """Ids as the page lists them."""
    return ", ".join(f"`{rule}`" for rule in sorted(rules))


def move_rows(moves: Sequence[Move]) -> Iterator[Row]:
    """The tools that came to the same share a row."""
    shared: dict[Row, list[str]] = {}
    for one in moves:
        shared.setdefault(_move(one), []).append(one.tool.name)
    for cells, tools in shared.items():
        yield ("; ".join(tools), *cells)


def _move(one: Move) -> Row:
    steps = dict.fromkeys(map(word, one.steps))
    changed = ", ".join(one.changed) or "nothing"
    return (str(one.hosts), word(one.at_once), changed, "; ".join(steps), word(one.annotated))
