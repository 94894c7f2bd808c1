"""`once`: an attribute worked out when it is first asked for, and kept.

As `functools.cached_property`, which up to Python 3.11 takes a lock that all objects of the class share: a review that
waits for a Secret would hold up every other one. A picture belongs to one review, and so to one thread.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - it reads as a decorator
    """Calls the method at the first look, then stands aside for what it answered."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        """Takes the method's name and docstring over."""
        self.read, self.name, self.__doc__ = read, read.__name__, read.__doc__

    @overload
    def __get__(self, held: None, owner: type) -> "once[T]": ...

    @overload
    def __get__(self, held: object, owner: type) -> T: ...

    def __get__(self, held: object | None, owner: type) -> "once[T] | T":
        """The answer; the next look finds it in the object itself, and does not come here."""
        if held is None:
            return self
        answer = held.__dict__[self.name] = self.read(held)
        return answer
