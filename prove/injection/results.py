"""What came of a cell: the files of its finished Pod are those that it asks for, or somebody says why not."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from prove.injection.cells import Cell, State
from prove.injection.client import Reply
from prove.injection.finished import files, lost
from webhook.report.internal_warnings import ABOUT_ITSELF
from webhook.rules import catalogue

MENTION = re.compile(r"\[([a-z0-9-]+)\]")
RULES = frozenset((*catalogue(), *ABOUT_ITSELF))
OF_OTHERS = frozenset(("destinationrule-unused", *ABOUT_ITSELF))
"""Rules that say nothing of the workload: of the DestinationRule, or of a review that could not be judged."""
OF_MISSING = frozenset(("sidecar-unprepared",))
"""Rules that say only that files are missing: no answer where a Pod has files that nobody asked for."""
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody says something. where: denied, warned, Event, check; what: ids of rules, or the API server's words."""

    where: str
    what: tuple[str, ...]
    said: str = ""

    def without(self, rules: frozenset[str]) -> "Answer":
        """The same but for these rules."""
        return replace(self, what=tuple(one for one in self.what if one not in rules))

    def __str__(self) -> str:
        """As the page has it."""
        return f"{self.where}: {', '.join(f'`{one}`' if one in RULES else one for one in self.what)}"


@dataclass(frozen=True, slots=True)
class Result:
    """A cell that was played. pod: as it is in the end; None where there is none."""

    cell: Cell
    state: State
    pod: Any
    answers: tuple[Answer, ...]

    @property
    def wrong(self) -> str:
        """What is not as it is asked for; empty where all is right."""
        if self.pod is None:
            return "no Pod"
        if missing := lost(self.cell, self.pod):
            return f"lost: {missing}"
        found, asked = files(self.pod), self.state.files
        if found == asked:
            return ""
        return f"has {_short(found)}, asked for {_short(asked)}"

    @property
    def reasons(self) -> tuple[Answer, ...]:
        """The answers that say why it is wrong; an Event does only where there is no Pod."""
        beside = OF_OTHERS if self.state.files else OF_OTHERS | OF_MISSING
        kept = [one.without(beside) for one in self.answers if one.where != "Event" or self.pod is None]
        return tuple(one for one in kept if one.what)

    @property
    def silent(self) -> bool:
        """Whether it is wrong, and nobody says so."""
        return bool(self.wrong) and not self.reasons

    def __str__(self) -> str:
        """As the page has it."""
        if not self.wrong:
            return "files" if self.state.files else "none"
        return "; ".join(map(str, self.reasons)) or f"SILENT: {self.wrong}"


def _short(found: dict[str, tuple[str, str]]) -> str:
    """The directories and Secrets."""
    listed = sorted({f"{path.rpartition('/')[0]} from {secret}" for path, (secret, _) in found.items()})
    return ", ".join(listed) or "nothing"


def answers(
    cell: Cell, replies: Sequence[Reply], events: Iterable[Any], findings: Iterable[Any], since: datetime
) -> tuple[Answer, ...]:
    """Everything that was said of a cell since then."""
    made = [
        *_of_replies(replies),
        *_of_events([one for one in events if one["metadata"]["namespace"] == cell.team and _when(one) >= since]),
        *_of_findings([one for one in findings if one["object"]["namespace"] == cell.team]),
    ]
    return tuple(dict.fromkeys(made))


def _of_replies(replies: Sequence[Reply]) -> Iterator[Answer]:
    denied = " ".join(one.message for one in replies)
    warned = " ".join(line for one in replies for line in one.warnings)
    if any(one.refused for one in replies):
        yield Answer("denied", _ids(denied) or (_cut(denied),), denied)
    if _ids(warned):
        yield Answer("warned", _ids(warned), warned)


def _of_events(events: Sequence[Any]) -> Iterator[Answer]:
    for one in events[-1:]:
        yield Answer("Event", _ids(one["message"]) or (_cut(one["message"]),), one["message"])


def _of_findings(verdicts: Sequence[Any]) -> Iterator[Answer]:
    found = [finding for verdict in verdicts for finding in verdict["findings"]]
    ids = tuple(sorted({one["rule"] for one in found}))
    if ids:
        yield Answer("check", ids, "; ".join(f"{one['problem']}; {one['fix']}" for one in found))


def _ids(text: str) -> tuple[str, ...]:
    return tuple(sorted(set(MENTION.findall(text)) & RULES))


def _cut(text: str) -> str:
    """The end of a text, which says why."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST else f"...{words[-LONGEST:]}"


def _when(event: Any) -> datetime:
    stamp = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(stamp).astimezone(UTC)
