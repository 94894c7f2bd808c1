"""Draws the chain of one workload as a tree, with a tick or a cross at each link and what to do about the crosses."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.printable import cut, sentence
from webhook.report.tree_node import Link, LinkState
from webhook.report.tree_nodes import links
from webhook.trace.workload import WorkloadPicture

WIDEST = 2000
_SIGNS: Mapping[LinkState, tuple[str, str, str]] = {
    LinkState.HOLDS: ("\u2713 ", "ok ", "green"),
    LinkState.BROKEN: ("\u2717 ", "NO ", "red"),
    LinkState.WARNED: ("! ", "!  ", "yellow"),
    LinkState.UNKNOWN: ("? ", "?  ", "yellow"),
    LinkState.PLAIN: ("", "", "bold"),
}
"""How each mark is written: in Unicode, in ASCII, and its colour."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is drawn on. width: columns, None for lines of any length. ascii_only: it cannot show ticks and branches."""

    color: bool = False
    ascii_only: bool = False
    width: int | None = None


def draw(picture: WorkloadPicture, verdict: Verdict, paper: Paper = Paper()) -> Iterator[str]:
    """The lines of the workload's tree."""
    return paint(links(picture, verdict), paper, verdict.subject)


def paint(link: Link, paper: Paper, subject: ObjectRef) -> Iterator[str]:
    """The lines of a link with what hangs on it. subject: the object that its findings need not name."""
    drawn = io.BytesIO()
    encoding = "ascii" if paper.ascii_only else "utf-8"
    console = Console(
        file=io.TextIOWrapper(drawn, encoding=encoding, errors="backslashreplace", write_through=True),
        width=paper.width or WIDEST,
        color_system="standard" if paper.color else None,
        force_terminal=paper.color,
        legacy_windows=False,
    )
    console.print(_branch(link, paper, subject), highlight=False, emoji=False, markup=False)
    return (line.rstrip() for line in drawn.getvalue().decode(encoding).splitlines())


def _branch(link: Link, paper: Paper, subject: ObjectRef | None = None) -> Tree:
    """A link with what hangs on it. subject: of the trunk, whose findings lie in no link and name their place."""
    sign, plain, color = _SIGNS[link.mark]
    label = f"{plain if paper.ascii_only else sign}{cut(link.text, WIDEST)}"
    tree = Tree(Text(label, style=color if paper.color else ""))
    for finding in link.findings:
        tree.add(_finding(finding, paper, subject))
    for child in link.below:
        tree.children.append(_branch(child, paper))
    return tree


def _finding(finding: Finding, paper: Paper, subject: ObjectRef | None) -> Text:
    """`deny: the key is encrypted; decrypt it: ...  [private-key-encrypted]`."""
    text = Text()
    color = "red" if finding.severity is Severity.DENY else "yellow"
    text.append(f"{finding.severity}: ", style=color if paper.color else "")
    bare = f"{finding.problem}; {finding.fix}" if finding.fix else finding.problem
    text.append(cut(bare if subject is None else sentence(finding, subject), WIDEST))
    return text.append(f"  [{finding.rule}]", style="dim" if paper.color else "")
