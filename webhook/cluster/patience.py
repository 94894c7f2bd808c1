"""How long a review may ask the API server, and when asking is of no use for a moment. Knows no socket.

Whoever waits for our answer does so for a few seconds; one that comes later is none, and `Fail` then refuses what may
be right. So each question has what is left of the review's time, and when nobody answered one, none is put for a bit.
"""

from collections.abc import Callable

from webhook.cluster.errors import ClusterError, ClusterUnavailable

_SILENCE_SECONDS = 2.0
_LONG_SECONDS = 0.5
_SHORTEST_SECONDS = 0.02


class Patience:
    """Shared by those who ask for reviews, in several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until, self._why = 0.0, ""

    def seconds(self, until: float, most: float) -> float:
        """For how long to wait for the next answer.

        Raises:
            ClusterUnavailable: it is of no use to ask; the text says why.
        """
        now = self._clock()
        if now < self._until:
            raise ClusterUnavailable(self._why)
        left = min(most, until - now)
        if left < _SHORTEST_SECONDS:
            raise ClusterUnavailable("no time was left to ask the API server")
        return left

    def failed(self, error: ClusterError, since: float) -> None:
        """Notes a question that was put at that instant, and that nobody has answered for long."""
        now = self._clock()
        if not error.status and now - since > _LONG_SECONDS:
            self._until, self._why = now + _SILENCE_SECONDS, str(error)
