"""Waits for conditions, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02
PAUSE = 2.0
"""Pauses are this much longer than asking took: what is waited for needs the processor, too."""
LONGEST_PAUSE_SECONDS = 0.5
"""A state that lasts for a second is seen."""


class TooLate(AssertionError):
    """What was waited for did not come true in time; the text says what it was."""


def until(answer: Callable[[], T | None], what: str, seconds: float = 60, *, every: float = POLL_SECONDS) -> T:
    """The first answer that is true.

    Raises:
        TooLate: there was none in time.
    """
    end = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        found = answer()
        if found:
            return found
        now = time.monotonic()
        if now > end:
            raise TooLate(f"not within {seconds:g} s: {what}")
        time.sleep(max(every, min(PAUSE * (now - asked), LONGEST_PAUSE_SECONDS)))
