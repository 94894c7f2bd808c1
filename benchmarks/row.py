"""One measured figure with what was promised, and the table that they make."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure. limit: what it may be at most (or at least, with `least`); None where nothing was promised.

    robust: a ratio, a count or memory, which a busy machine hardly changes; the others mean something on an idle one.
    """

    what: str
    measured: float
    unit: str
    limit: float | None = None
    least: bool = False
    robust: bool = False

    @property
    def verdict(self) -> str:
        """`ok`, `miss`, or '' where nothing was promised."""
        if self.limit is None:
            return ""
        kept = self.measured >= self.limit if self.least else self.measured <= self.limit
        return "ok" if kept else "miss"

    @property
    def target(self) -> str:
        """What was promised, in words: `at most 0.5 ms`."""
        if self.limit is None:
            return "none"
        return f"at {'least' if self.least else 'most'} {_number(self.limit)}{_unit(self.unit)}"

    @property
    def result(self) -> str:
        """The figure with its unit."""
        return f"{_number(self.measured)}{_unit(self.unit)}"


def markdown(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a Markdown table, aligned so that it is read as it stands, too."""
    cells = [("what", "target", "measured", "")]
    cells += [(row.what, row.target, row.result, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    for number, line in enumerate(cells):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _number(value: float) -> str:
    """Three digits at least, no more than say something."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _unit(unit: str) -> str:
    return unit if unit in ("", "%") else f" {unit}"
