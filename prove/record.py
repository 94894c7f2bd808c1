"""What was played and what came of it: kept as JSON lines, since several processes write, and judged at the end."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import yaml

from prove.cases import Case
from prove.outcome import Kind, Outcome

EXCEPTIONS = Path(__file__).with_name("exceptions.yaml")


@dataclass(frozen=True, slots=True)
class Record:
    """One example, and what its request came to. kind: the name of an outcome's kind. text: the outcome."""

    rule: str
    title: str
    denied: bool
    kind: str
    text: str

    @property
    def agrees(self) -> bool:
        """Whether reality has it as our webhook says: what it denies does not work, the good examples do."""
        return self.kind != Kind.BROKEN.name and (self.kind == Kind.WORKS.name) != self.denied

    @property
    def exception(self) -> str:
        """Why it may be otherwise, as `exceptions.yaml` says it."""
        return exceptions().get((self.rule, self.title), "")

    @property
    def unexplained(self) -> bool:
        """Whether reality and we disagree, and nobody has said why."""
        return not self.agrees and not self.exception


def record(case: Case, outcome: Outcome) -> Record:
    """What is kept of a case."""
    return Record(case.rule, case.title, case.bad, outcome.kind.name, str(outcome))


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
def exceptions() -> dict[tuple[str, str], str]:
    """Rule and title -> why reality need not be as we say."""
    held = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    return {(rule, title): why for why, rules in held.items() for rule, titles in rules.items() for title in titles}
