"""The turn of one review on the view: it waits for the lock no longer than its time, and passes it on at short notice.

Whoever judges holds the lock of the store, since the view must stay as it is meanwhile. A review that takes long lets
others go first after a while. If the view has changed by then, what it has worked out may be wrong, and it starts
again, for twice as long at a stretch.
"""

from collections.abc import Callable
from time import sleep
from typing import Self

from webhook.informer.store import Store
from webhook.model.deadline import Changed, over

STRETCH_SECONDS = 0.05
LONGEST_STRETCH_SECONDS = 0.2
_PASSING_SECONDS = 0.001


class ReviewTurn:
    """One attempt of a review: a context in which the lock is held, and the Deadline that the verdict asks.

    stretch: seconds after which others may go first.
    """

    def __init__(self, store: Store, clock: Callable[[], float], until: float, seconds: float) -> None:
        """until: when the review ends. seconds: for how long the API server waits, for the text."""
        self._store, self._clock, self._until, self._seconds = store, clock, until, seconds
        self.stretch = STRETCH_SECONDS
        self._since, self._revision = 0.0, 0

    def __enter__(self) -> Self:
        """Waits for the lock. Raises NotJudged when the time is over before."""
        self._take()
        self._revision = self._store.view.revision
        return self

    def __exit__(self, error: object, *_: object) -> None:
        """Passes the lock on; after a change the next attempt has longer stretches."""
        self._store.lock.release()
        if error is Changed:
            self.stretch = min(2 * self.stretch, LONGEST_STRETCH_SECONDS)

    def check(self) -> None:
        """Ends the review once its time is over, and lets others go first.

        Raises:
            NotJudged: its time is over.
            Changed: the view is another one now; to be judged again.
        """
        now = self._clock()
        if now >= self._until:
            raise over(self._seconds)
        if now - self._since >= self.stretch and self._store.lock.waiting:
            self._pass_on()

    def _pass_on(self) -> None:
        self._store.lock.release()
        sleep(_PASSING_SECONDS)  # else this thread would take it again before another one has woken up
        self._store.lock.acquire()
        self._since = self._clock()
        if self._store.view.revision != self._revision:
            raise Changed

    def _take(self) -> None:
        if not self._store.lock.acquire(timeout=max(self._until - self._clock(), 0.0)):
            raise over(self._seconds)
        self._since = self._clock()
