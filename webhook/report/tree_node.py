"""The words of a tree: a link, and whether it holds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from webhook.model.finding import Finding, ObjectRef


class LinkState(Enum):
    """Whether a link holds."""

    HOLDS = "holds"
    BROKEN = "broken"
    WARNED = "warned"
    UNKNOWN = "unknown"
    PLAIN = "plain"


@dataclass(slots=True)
class Link:
    """One link with those that hang on it. places: objects and field prefixes whose findings belong here."""

    mark: LinkState
    text: str
    places: tuple[tuple[ObjectRef, str], ...] = ()
    below: list["Link"] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def all(self) -> Iterator["Link"]:
        """The link and everything that hangs on it."""
        yield self
        for child in self.below:
            yield from child.all()
