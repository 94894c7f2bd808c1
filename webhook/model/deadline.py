"""The time that a review may take. Whoever knows a clock makes a Deadline; whoever works on the review asks it."""

from typing import Literal, Protocol

Reason = Literal["deadline", "stale", "unanswered"]
"""Why a review was not judged: its time was over, the view is stale, or the API server does not answer mtls-guard."""


class NotJudged(Exception):
    """A review cannot be judged now. The text completes the sentence "not judged because ...".

    admits: whether the object is admitted with a warning then; else there is no answer, and failurePolicy decides.
    """

    def __init__(self, reason: Reason, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason
        self.admits = True


class Changed(Exception):
    """The view has changed while others had their turn: the review starts again."""


class Deadline(Protocol):
    """The time of one review."""

    def check(self) -> None:
        """Returns while time is left.

        Raises:
            NotJudged: it is over; no work on the review may go on.
            Changed: what has been worked out so far may be wrong; the review is to start again.
        """


class Unlimited:
    """For a verdict that nobody waits for."""

    def check(self) -> None:
        """Always returns."""


UNLIMITED = Unlimited()


def over(seconds: float) -> NotJudged:
    """The error once the time is over. seconds: for how long the API server waits."""
    return NotJudged("deadline", f"the time for this review ({seconds:g} s) was over")
