"""The heap of the C library, which keeps what was freed: at most two arenas for all threads, and a way to give it back.

By itself glibc makes an arena for each thread, and each keeps its own leftovers of the pages that were read into it.
Another C library (musl, macOS) has no such calls, and there nothing happens.
"""

import ctypes
from contextlib import suppress

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""
_ARENAS = 2


def share_arenas() -> None:
    """From now on threads that start share arenas; those that have one keep it."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Gives what was freed back to the system."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
