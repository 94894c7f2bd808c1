"""What a run of `check` came to; every format is written from it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.rule import Rule
from webhook.model.source_location import SourceLocation, Unreadable

Locate = Callable[[ObjectRef, str], SourceLocation | None]
"""Where a field of an object stands, None when the object is not in the input."""


def locate_nothing(_: ObjectRef, __: str) -> SourceLocation | None:
    """The answer where no files were read."""
    return None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """All verdicts of one run. at: the instant judged about, UTC. color: whether the text is for a terminal.

    width: of that terminal in columns, None for lines of any length. rules: those that exist, by id, for what formats
    say about them. partial: not all of the cluster could be read, which was said elsewhere.
    """

    at: datetime
    verdicts: Sequence[Verdict]
    unreadable: Sequence[Unreadable] = ()
    locate: Locate = locate_nothing
    rules: Mapping[str, Rule] = field(default_factory=dict)
    color: bool = False
    width: int | None = None
    partial: bool = False

    @property
    def severity(self) -> Severity:
        """The heaviest severity of all."""
        return max((verdict.severity for verdict in self.verdicts), default=Severity.OFF)

    def distinct(self) -> Iterator[tuple[Verdict, Finding]]:
        """Every fault once, with the first verdict that tells it; a rule's fault stands in each of its workloads'."""
        seen: set[tuple[str, ObjectRef, str]] = set()
        for verdict in self.verdicts:
            for finding in verdict.findings:
                if finding.identity not in seen:
                    seen.add(finding.identity)
                    yield verdict, finding

    def anchor(self, verdict: Verdict, finding: Finding) -> SourceLocation | None:
        """Where the fault stands; of an object that is not in the input, where the object stands that needs it.

        For formats whose readers show nothing without a file.
        """
        return self.locate(finding.object, finding.path) or self.locate(verdict.subject, "")


def from_here(file: str) -> str:
    """The file relative to the working folder where it lies below that, as viewers of a repository know it."""
    if file == "-":
        return file
    relative = os.path.relpath(file or os.curdir)
    return str(Path(file).absolute()) if relative.startswith(os.pardir) else Path(relative).as_posix()


def instant(at: datetime) -> str:
    """The instant as JSON has it: `2026-11-23T12:00:00Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
