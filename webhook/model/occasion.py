"""On what occasion an object is judged: it decides what follows from something that does not exist."""

from dataclasses import dataclass
from enum import StrEnum


class MissingSecret(StrEnum):
    """What the policy says of a Secret or ConfigMap that does not exist; `auto` goes by who could still create it."""

    AUTO = "auto"
    WARN = "warn"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The occasion of one verdict: what may still be created after the object that is judged.

    request: the API server asks, so that further objects may follow; otherwise a state is judged (`check`, the audit).
    dry_run: the request is one. tool: the release tool that sends it (`Helm`, `Argo CD`, `Flux`, ...), '' for none.
    missing_secret: what the policy says of a Secret that does not exist. former: the hosts for which the workload had
    every file before the change that is judged. before: of a Pod that is changed, its annotations before the change.
    """

    request: bool = False
    dry_run: bool = False
    tool: str = ""
    missing_secret: MissingSecret = MissingSecret.AUTO
    former: frozenset[str] = frozenset()
    before: tuple[tuple[str, str], ...] | None = None

    @property
    def final(self) -> bool:
        """Whether nothing more is expected to come: what is absent is at fault, and a weak sign of intent counts.

        So it is where a state is judged, and on a real request without the signs of a release tool.
        """
        return not (self.dry_run or self.tool)


STATE = Occasion()
"""A state is judged, under a policy that says nothing of what is missing."""
