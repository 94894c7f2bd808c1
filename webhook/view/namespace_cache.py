"""What was counted of the workloads of each namespace, kept until something changes there."""

from collections.abc import Iterator
from typing import Any

MOST_NAMESPACES, MOST_RESULTS = 20_000, 2_000
"""Reviews name namespaces, and DestinationRules in review name files, of anybody's choice: no more results are kept."""


class Tallies:
    """Results by namespace: what a verdict has counted there, until a workload, a Secret or the namespace changes."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Nothing counted yet."""
        self._held: dict[str, dict[Any, Any]] = {}

    def at(self, namespace: str) -> dict[Any, Any]:
        """The results of one namespace, to read and to add to."""
        known = self._held.get(namespace)
        if known is None or len(known) > MOST_RESULTS:
            if len(self._held) >= MOST_NAMESPACES:
                self._held.clear()
            known = self._held[namespace] = {}
        return known

    def __iter__(self) -> Iterator[str]:
        """The namespaces of which anything is kept."""
        return iter(self._held)

    def drop(self, namespace: str) -> None:
        """Forgets what was counted in the namespace."""
        self._held.pop(namespace, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._held.clear()

    def without(self, namespace: str) -> "Tallies":
        """The same results, shared, but none of this namespace."""
        twin = Tallies()
        twin._held = {name: held for name, held in self._held.items() if name != namespace}
        return twin
