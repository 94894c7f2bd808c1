"""How many bytes of memory a result takes, and a cache that is bounded by bytes instead of by the number of entries.

What other people write decides how large a result is, so that a number of entries bounds nothing.
"""

from sys import getsizeof
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_BESIDE = 200
"""Bytes that an entry takes beside key and value."""


def weigh(*values: object) -> int:
    """The bytes of the values with everything in them: dataclasses with slots, containers, text; each object once."""
    seen: set[int] = set()
    left: list[Any] = list(values)
    size = 0
    while left:
        value = left.pop()
        if value is None or isinstance(value, bool) or id(value) in seen:
            continue
        seen.add(id(value))
        size += getsizeof(value)
        if isinstance(value, dict):
            left += value.keys()
            left += value.values()
        elif isinstance(value, tuple | list | set | frozenset):
            left += value
        elif not isinstance(value, str):
            left += (getattr(value, name, None) for name in getattr(type(value), "__slots__", ()) if name[:2] != "__")
    return size


class Cache(Generic[K, V]):
    """Results by key that may be worked out again at any time; emptied when they take more bytes than the limit.

    For several threads: each step is one operation of a dict, and a size that is a little off is put right when the
    cache is emptied.
    """

    __slots__ = ("_entries", "_limit", "_size")

    def __init__(self, limit_bytes: int) -> None:
        """An empty cache."""
        self._entries: dict[K, V] = {}
        self._limit, self._size = limit_bytes, 0

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes of all entries, as they were weighed."""
        return self._size

    def get(self, key: K) -> V | None:
        """The result under the key."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> V:
        """Keeps the result, unless it takes an eighth of the limit by itself; answers with it."""
        size = _BESIDE + weigh(key, value)
        if size > self._limit // 8:
            return value
        if self._size + size > self._limit:
            self._entries, self._size = {}, 0
        self._entries[key] = value
        self._size += size
        return value
