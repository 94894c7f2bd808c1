"""What was played and what came of it: kept as JSON lines, since several processes write, and judged at the end."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import yaml

from prove.asking import is_as_told
from prove.cases import Case
from prove.outcome import Kind
from prove.play import Played

EXCEPTIONS = Path(__file__).with_name("exceptions.yaml")


@dataclass(frozen=True, slots=True)
class Record:
    """One example, and what came of it. kind: the name of an outcome's kind. text: the outcome.

    said: what we said, as `prove.asking`. as_told: whether that is what the example says. injected: the outcome of its
    injected version, empty where it has none. alike: whether that is of the same kind.
    """

    rule: str
    title: str
    denied: bool
    said: str
    as_told: bool
    kind: str
    text: str
    injected: str = ""
    alike: bool = True

    @property
    def agrees(self) -> bool:
        """Whether reality has it as our webhook says: what it denies does not work, the good examples do."""
        return self.kind != Kind.BROKEN.name and (self.kind == Kind.WORKS.name) != self.denied

    @property
    def exceptions(self) -> Mapping[str, str]:
        """Which part may be otherwise (`outcome`, `answer`, `injected`) -> why, as `exceptions.yaml` says it."""
        return {part: held[self.rule, self.title] for part, held in exceptions().items() if self._key in held}

    @property
    def otherwise(self) -> frozenset[str]:
        """The parts in which reality and we, or what is injected and what is written by hand, disagree."""
        parts = {"outcome": self.agrees, "answer": self.as_told, "injected": self.alike}
        return frozenset(part for part, right in parts.items() if not right)

    @property
    def unexplained(self) -> frozenset[str]:
        """The parts of which nobody has said why."""
        return self.otherwise - frozenset(self.exceptions)

    @property
    def stale(self) -> frozenset[str]:
        """The parts that agree, and have an exception."""
        return frozenset(self.exceptions) - self.otherwise

    @property
    def _key(self) -> tuple[str, str]:
        return self.rule, self.title


def record(case: Case, played: Played) -> Record:
    """What is kept of a case."""
    answer, outcome, injected = played.answer, played.outcome, played.injected
    told = (case.rule, case.title, case.bad, str(answer), is_as_told(case, answer), outcome.kind.name, str(outcome))
    return Record(*told, str(injected or ""), injected is None or injected.kind is outcome.kind)


def write(records: Iterable[Record], file: Path) -> None:
    """Writes records as they come."""
    with file.open("w", encoding="utf-8") as stream:
        for one in records:
            stream.write(json.dumps(asdict(one)) + "\n")
            stream.flush()


def read(file: Path) -> Iterator[Record]:
    """The records of a file."""
    for line in file.read_text(encoding="utf-8").splitlines():
        yield Record(**json.loads(line))


@cache
def exceptions() -> Mapping[str, Mapping[tuple[str, str], str]]:
    """Part -> rule and title -> why it need not be as we say."""
    held = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    return {
        part: {
            (rule, title): why for why, rules in reasons.items() for rule, titles in rules.items() for title in titles
        }
        for part, reasons in held.items()
    }
