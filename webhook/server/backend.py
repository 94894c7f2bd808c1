"""What `serve` answers from, a live cluster or manifests, and who is told of what was answered."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from webhook.inject import Mutation
from webhook.model.deadline import NotJudged
from webhook.model.finding import Verdict
from webhook.model.request import Request
from webhook.web import ReviewObserver


class JournalGroup:
    """Tells each of several journals."""

    def __init__(self, journals: Sequence[ReviewObserver]) -> None:
        self._each = tuple(journals)

    def answered(self, review: Request, verdict: Verdict, seconds: float) -> None:
        """A review was answered."""
        for one in self._each:
            one.answered(review, verdict, seconds)

    def mutated(self, review: Request, mutation: Mutation, seconds: float) -> None:
        """A review was answered with a patch, or with none."""
        for one in self._each:
            one.mutated(review, mutation, seconds)

    def unavailable(self, review: Request, reason: str) -> None:
        """A review was not judged, and got no answer."""
        for one in self._each:
            one.unavailable(review, reason)

    def refused(self, status: int, problem: str) -> None:
        """A request was refused."""
        for one in self._each:
            one.refused(status, problem)

    def failed(self, review: Request | None, error: Exception) -> None:
        """Something of ours raised."""
        for one in self._each:
            one.failed(review, error)


T = TypeVar("T")


def deciding(judge: Callable[[Request], T], *, admits: bool) -> Callable[[Request], T]:
    """The same, with the switch for what cannot be judged: admitted with a warning, or not answered."""

    def decide(request: Request) -> T:
        """Judges."""
        try:
            return judge(request)
        except NotJudged as error:
            error.admits = admits
            raise

    return decide


def in_turn(*steps: Callable[[], object]) -> Callable[[], None]:
    """One call for several."""

    def call() -> None:
        """Calls each."""
        for step in steps:
            step()

    return call
