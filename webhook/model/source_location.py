"""Where in people's files something stands, and what of them could not be read."""

from dataclasses import dataclass

from webhook.model.finding import ObjectRef


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A line of a file. file: as the person named it, `-` for standard input. line: from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        """As editors and terminals make it a link: `deploy/app.yaml:12`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could not be judged. line: from 1, or 0 when it is about the file as a whole."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        """File, line and problem, `app.yaml:3: not YAML: ...`."""
        return f"{self.file}:{self.line}: {self.problem}" if self.line else f"{self.file}: {self.problem}"


@dataclass(frozen=True, slots=True)
class UnreadSettings:
    """Mesh-wide settings that were not read. object: the ConfigMap. key: its key. problem: why, with the limit."""

    object: ObjectRef
    key: str
    problem: str
