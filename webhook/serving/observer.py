"""Whom the server tells how it is: for metrics, and for the log."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol


class Closed(StrEnum):
    """Why the server closed a connection."""

    HANDSHAKE = "handshake deadline"
    HANDSHAKE_FAILED = "handshake failed"
    HEAD = "header deadline"
    BODY = "body deadline"
    REQUEST = "request deadline"
    ANSWER = "answer deadline"
    IDLE = "idle"
    CAP = "connection limit"
    PEER = "peer limit"
    MEMORY = "body memory"
    REFUSED = "refused"
    RETIRED = "retired"
    ABANDONED = "abandoned"
    LEFT = "client"


NORMAL = frozenset((Closed.IDLE, Closed.RETIRED, Closed.LEFT))
"""What happens to connections of clients that do nothing wrong."""

Tell = Callable[[str, Mapping[str, object]], None]
"""Writes a warning: constant text, and what varies."""


class Meter(Protocol):
    """Counts. May be called from any thread."""

    def handshook(self, seconds: float) -> None:
        """A handshake was completed, so many seconds after its connection had arrived."""

    def waited(self, seconds: float) -> None:
        """A complete request waited so long for a thread."""

    def closed(self, reason: str, peer: str) -> None:
        """A connection was closed. peer: the address of its client."""

    def refused(self, status: int, problem: str) -> None:
        """A request was refused before it reached the application."""


class Unmetered:
    """Counts nothing."""

    def handshook(self, seconds: float) -> None:
        """Nothing."""

    def waited(self, seconds: float) -> None:
        """Nothing."""

    def closed(self, reason: str, peer: str) -> None:
        """Nothing."""

    def refused(self, status: int, problem: str) -> None:
        """Nothing."""
