"""`cached`: an attribute that is computed at its first use and then stored in its object.

It works as `functools.cached_property`, which up to Python 3.11 takes one lock for all objects of the class: a review
that waits for a Secret would block every other review. No lock is needed, because one thread uses the object.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class cached(Generic[T]):  # noqa: N801 - it reads as a decorator
    """Calls the method at the first access, and stores the result under the method's name in the object."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        """Takes the method's name and docstring over."""
        self.compute, self.name, self.__doc__ = compute, compute.__name__, compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "cached[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "cached[T] | T":
        """The result; Python finds it in the object from now on, and does not call this method again."""
        if instance is None:
            return self
        result = instance.__dict__[self.name] = self.compute(instance)
        return result
