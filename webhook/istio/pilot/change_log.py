"""What changed in an index since somebody last looked: a short chain of host patterns, newest first.

Knows nothing of what the hosts stand for; who derives something from an index asks here what to derive anew.
"""

from dataclasses import dataclass

LONGEST = 256
"""How many changes are remembered; beyond it a full pass costs no more than following them."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One state of an index, compared by identity. hosts: the patterns whose content the last change touched."""

    hosts: frozenset[str] = frozenset()
    before: "Change | None" = None
    length: int = 0

    def then(self, *hosts: str) -> "Change":
        """The state after a change to these hosts."""
        if self.length >= LONGEST:
            return Change(frozenset(hosts))
        return Change(frozenset(hosts), self, self.length + 1)

    def since(self, earlier: "Change") -> frozenset[str] | None:
        """The hosts touched after the known state; None when that state is not remembered."""
        change: Change | None = self
        touched: set[str] = set()
        while change is not None and change is not earlier:
            touched |= change.hosts
            change = change.before
        return None if change is None else frozenset(touched)
