"""Caches counts of the workloads of each namespace until an object in the namespace changes."""

from collections.abc import Iterator
from typing import Any

MOST_NAMESPACES, MOST_RESULTS = 20_000, 2_000
"""Limits of the cache: clients choose the namespaces in reviews and the file names in DestinationRules freely."""


class Tallies:
    """Results by namespace that are valid until a workload, a Secret or the namespace itself changes."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        """Starts empty."""
        self._results: dict[str, dict[Any, Any]] = {}

    def at(self, namespace: str) -> dict[Any, Any]:
        """The mutable results of one namespace."""
        results = self._results.get(namespace)
        if results is None or len(results) > MOST_RESULTS:
            if len(self._results) >= MOST_NAMESPACES:
                self._results.clear()
            results = self._results[namespace] = {}
        return results

    def __iter__(self) -> Iterator[str]:
        """The namespaces that have results."""
        return iter(self._results)

    def drop(self, namespace: str) -> None:
        """Discards the results of the namespace."""
        self._results.pop(namespace, None)

    def clear(self) -> None:
        """Discards all results."""
        self._results.clear()

    def without(self, namespace: str) -> "Tallies":
        """A copy that shares the results of all other namespaces."""
        twin = Tallies()
        twin._results = {name: results for name, results in self._results.items() if name != namespace}
        return twin
