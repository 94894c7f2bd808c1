"""A map of maps that is cheap to copy: a copy shares every inner map until one side writes to it.

Contains nothing of Istio. The indexes of this package keep their objects in such maps, so that a view of the cluster
with one changed object is made without rebuilding the indexes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
N = TypeVar("N")
V = TypeVar("V")
_EMPTY: Mapping[Any, Any] = {}


class CopyOnWriteMap(Generic[K, N, V]):
    """Two-level map `outer -> inner -> value`, for one writer at a time."""

    __slots__ = ("_inner", "_unshared")

    def __init__(self) -> None:
        """An empty map."""
        self._inner: dict[K, dict[N, V]] = {}
        self._unshared: set[K] = set()

    def at(self, outer: K) -> Mapping[N, V]:
        """The inner map of the outer key, empty if there is none; valid until the next write."""
        return self._inner.get(outer, _EMPTY)

    def __iter__(self) -> Iterator[K]:
        """The outer keys, all of which have a value."""
        return iter(self._inner)

    def __contains__(self, outer: object) -> bool:
        """Whether the outer key has a value."""
        return outer in self._inner

    def __eq__(self, other: object) -> bool:
        """Two maps are equal if they have the same keys and values."""
        return isinstance(other, CopyOnWriteMap) and self._inner == other._inner

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, outer: K, inner: N, value: V) -> None:
        """Sets the value of the two keys, in place of an earlier value."""
        self._writable(outer)[inner] = value

    def drop(self, outer: K, inner: N) -> None:
        """Deletes the value of the two keys, if there is one."""
        if inner not in self._inner.get(outer, _EMPTY):
            return
        del self._writable(outer)[inner]
        if not self._inner[outer]:
            del self._inner[outer]
            self._unshared.discard(outer)

    def copy(self) -> "CopyOnWriteMap[K, N, V]":
        """A map with the same content; a write to either side is not seen by the other."""
        twin: CopyOnWriteMap[K, N, V] = CopyOnWriteMap()
        twin._inner = dict(self._inner)
        self._unshared = set()
        return twin

    def _writable(self, outer: K) -> dict[N, V]:
        if outer not in self._unshared:
            self._inner[outer] = dict(self._inner.get(outer, _EMPTY))
            self._unshared.add(outer)
        return self._inner[outer]
