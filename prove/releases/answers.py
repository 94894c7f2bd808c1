"""What a tool printed of mtls-guard: the rules that warned, and those that denied."""

import re
from dataclasses import dataclass

from prove.releases.tools import Outcome
from webhook.report.internal_warnings import ABOUT_ITSELF
from webhook.rules import catalogue

MENTION = re.compile(r"\[([a-z0-9-]+)\]")
WARNING = re.compile(r"\bWarning: ")
ALSO = re.compile(r"^and \d+ warnings?:")
RULES = frozenset((*catalogue(), *ABOUT_ITSELF))


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended, and the ids of rules that were printed on the way. said: all of it."""

    good: bool
    warned: frozenset[str]
    denied: frozenset[str]
    said: str


def answer(outcome: Outcome) -> Answer:
    """What is in the text of a tool."""
    warned, denied = set[str](), set[str]()
    into = denied
    for line in outcome.said.splitlines():
        into = _next(line, into, warned, denied)
        (warned if WARNING.search(line) else into).update(MENTION.findall(line))
    return Answer(outcome.good, frozenset(warned & RULES), frozenset(denied & RULES), outcome.said)


def _next(line: str, into: set[str], warned: set[str], denied: set[str]) -> set[str]:
    """Where the ids of a denial go from this line on: its text has first what denies, then what only warns."""
    if ALSO.search(line):
        return warned
    return denied if line.startswith("explain:") else into
