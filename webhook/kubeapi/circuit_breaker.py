"""How long a review may ask the API server, and when asking is of no use for a moment. Knows no socket.

The API server waits a few seconds for the answer to a review; a later answer is lost, and `Fail` then refuses what may
be right. So each question has what is left of the review's time. While the API server gives no answer at all, one
question a second is put to it, and all others are refused at once, until it answers.
"""

from collections.abc import Callable
from threading import Lock

from webhook.kubeapi.errors import ClusterError, ClusterUnavailable

_PROBE_SECONDS = 1.0
_LONG_SECONDS = 0.5
_STOPPED_SECONDS = 5.0
"""Longer than any question is waited for: this process was stopped, which says nothing of the API server."""
_SHORTEST_SECONDS = 0.02
_SILENT = "the API server does not answer mtls-guard"
"""Of all questions that are not put; an error of another question may name objects of another namespace."""


class CircuitBreaker:
    """Shared by those who ask for reviews, in several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, Lock()
        self._silent, self._next_probe = False, 0.0

    def seconds(self, until: float, most: float) -> float:
        """For how long to wait for the next answer.

        Raises:
            ClusterUnavailable: it is of no use to ask; the text says why.
        """
        now = self._clock()
        left = min(most, until - now)
        if left < _SHORTEST_SECONDS:
            raise ClusterUnavailable("no time was left to ask the API server")
        with self._lock:
            if self._silent:
                if now < self._next_probe:
                    raise ClusterUnavailable(_SILENT)
                self._next_probe = now + _PROBE_SECONDS
        return left

    def answered(self) -> None:
        """Notes that the API server has answered a question, whatever the answer was."""
        self._silent = False

    def failed(self, error: ClusterError, since: float) -> None:
        """Notes a question that was put at that instant, and failed."""
        now = self._clock()
        if error.status:
            self.answered()
        elif _LONG_SECONDS < now - since < _STOPPED_SECONDS:
            with self._lock:
                self._silent, self._next_probe = True, now + _PROBE_SECONDS
