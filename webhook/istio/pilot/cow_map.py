"""A map of maps that is cheap to copy: a copy shares every inner map until one side writes to it.

Knows nothing of Istio. The indexes keep what they hold in shelves, so that "the cluster after this change" costs no
rebuild.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
N = TypeVar("N")
V = TypeVar("V")
_EMPTY: Mapping[Any, Any] = {}


class Shelf(Generic[K, N, V]):
    """Two-level map `outer -> inner -> value`, for one writer at a time."""

    __slots__ = ("_inner", "_own")

    def __init__(self) -> None:
        """An empty shelf."""
        self._inner: dict[K, dict[N, V]] = {}
        self._own: set[K] = set()

    def at(self, outer: K) -> Mapping[N, V]:
        """What stands under the outer key; empty when nothing does. Not to be kept across a write."""
        return self._inner.get(outer, _EMPTY)

    def __iter__(self) -> Iterator[K]:
        """The outer keys under which something stands."""
        return iter(self._inner)

    def __contains__(self, outer: object) -> bool:
        """Whether something stands under the outer key."""
        return outer in self._inner

    def __eq__(self, other: object) -> bool:
        """Two shelves are equal when they hold the same."""
        return isinstance(other, Shelf) and self._inner == other._inner

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, outer: K, inner: N, value: V) -> None:
        """Stands the value under the two keys, in place of what stood there."""
        self._writable(outer)[inner] = value

    def drop(self, outer: K, inner: N) -> None:
        """Takes away what stands under the two keys, if anything does."""
        if inner not in self._inner.get(outer, _EMPTY):
            return
        del self._writable(outer)[inner]
        if not self._inner[outer]:
            del self._inner[outer]
            self._own.discard(outer)

    def copy(self) -> "Shelf[K, N, V]":
        """A shelf with the same content; a write to either side is not seen by the other."""
        twin: Shelf[K, N, V] = Shelf()
        twin._inner = dict(self._inner)
        self._own = set()
        return twin

    def _writable(self, outer: K) -> dict[N, V]:
        if outer not in self._own:
            self._inner[outer] = dict(self._inner.get(outer, _EMPTY))
            self._own.add(outer)
        return self._inner[outer]
