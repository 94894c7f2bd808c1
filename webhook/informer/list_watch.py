"""List and watch as a state machine: what to ask next, and what an answer changes. Knows no socket and no clock.

The laws of the API server that it follows are in
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes. Lists are asked for in
pages and without a resourceVersion, so they are never older than what was seen before; with `resourceVersion=0` the
server would ignore the limit, and may answer from a cache that lags behind what it has acknowledged already.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.kubeapi.client import Query
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable, Gone
from webhook.model.raw_object import Manifest, dig, mapping, sequence, text

PAGE = 250
WATCH_SECONDS = 60
"""How long a watch lasts; the server ends it then, so that a longer silence is a line that hangs. Resuming is cheap."""
SHORTEST_WATCH = 5.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0

Name = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class ObjectUpserted:
    """An object is there, new or changed."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class ObjectDeleted:
    """An object has gone."""

    name: Name


@dataclass(frozen=True, slots=True)
class ListCompleted:
    """The end of a list: these are all that there are."""

    names: frozenset[Name]


Change = ObjectUpserted | ObjectDeleted | ListCompleted


@dataclass(frozen=True, slots=True)
class ListWatchRequest:
    """What to ask the API server next. watch: lines are expected, else one page."""

    watch: bool
    query: Query


class ListWatch:
    """One kind: listed, then watched, listed again when that is needed.

    version: the resourceVersion up to which everything has been seen, '' before the first list has ended.
    pause: seconds to wait before the next request. restarts: how often something had to be begun again.
    """

    def __init__(self, selectors: Query, jitter: Callable[[], float], seconds: int = WATCH_SECONDS) -> None:
        """selectors: `labelSelector`, `fieldSelector`. jitter: a number from 0 to 1, another each time.

        seconds: how long a watch lasts.
        """
        self._selectors, self._jitter, self._seconds = dict(selectors), jitter, seconds
        self._listing: set[Name] | None = set()
        self._continue = ""
        self._failures = 0
        self._expired = False
        self._lines = 0
        self.version = ""
        self.synced = False
        self.pause = 0.0
        self.restarts = 0

    def request(self) -> ListWatchRequest:
        """What to ask next."""
        self._lines = 0
        if self._listing is None:
            seconds = max(1, round(self._seconds * (0.75 + self._jitter() / 2)))
            watch: dict[str, str | int] = {
                "resourceVersion": self.version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": seconds,
            }
            return ListWatchRequest(watch=True, query={**self._selectors, **watch, "allowWatchBookmarks": "true"})
        page: dict[str, str | int] = {**self._selectors, "limit": PAGE}
        return ListWatchRequest(watch=False, query={**page, "continue": self._continue} if self._continue else page)

    def page(self, content: Manifest) -> Iterator[Change]:
        """What a page of the list says; the last one says also what has gone."""
        listing = self._listing if self._listing is not None else set()
        for item in sequence(content.get("items")):
            listing.add(name_of(item))
            yield ObjectUpserted(mapping(item))
        self._continue = text(dig(content, "metadata", "continue"))
        if self._continue:
            return
        yield ListCompleted(frozenset(listing))
        self.version = text(dig(content, "metadata", "resourceVersion"))
        self._listing, self.synced, self.pause = None, True, 0.0

    def line(self, event: Manifest) -> Iterator[Change]:
        """What a line of the watch says.

        Raises:
            Gone, ClusterUnavailable: the server says in the line that it cannot go on; hand it to `failed`.
        """
        kind, item = event.get("type"), mapping(event.get("object"))
        if kind == "ERROR":
            raise _told(item)
        self._lines += 1
        self._worked()
        if kind == "DELETED":
            yield ObjectDeleted(name_of(item))
        elif kind in ("ADDED", "MODIFIED"):
            yield ObjectUpserted(item)
        self.version = text(dig(item, "metadata", "resourceVersion")) or self.version

    def ended(self, lasted: float) -> None:
        """The server has ended the watch after so many seconds; one that ends at once, without a word, is a failure."""
        if self._lines or lasted > SHORTEST_WATCH:
            self._worked()
        else:
            self._later(0.0)

    def failed(self, error: ClusterError) -> None:
        """The request was refused, or its answer cut."""
        self.restarts += 1
        if isinstance(error, Gone):
            if not self._expired:
                self._failures = 0  # the server is there again; what failed before was something else
            self._expired = True
            self.anew()
        self._later(error.pause if isinstance(error, ClusterUnavailable) else 0.0)

    def anew(self) -> None:
        """Begins with a list; what was seen before counts until that has ended."""
        self._listing, self._continue = set(), ""

    def _worked(self) -> None:
        self._failures, self._expired, self.pause = 0, False, 0.0

    def _later(self, least: float) -> None:
        """Waits twice as long as before, at most half a minute, and never as long as all others do."""
        self.pause = max(least, min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures) * (0.5 + self._jitter()))
        self._failures = min(self._failures + 1, 16)


def name_of(item: object) -> Name:
    """Namespace and name of a raw object."""
    metadata = mapping(dig(item, "metadata"))
    return (text(metadata.get("namespace")), text(metadata.get("name")))


def _told(status: Mapping[str, Any]) -> ClusterError:
    """The error for a Status that came as a line."""
    code, message = status.get("code"), text(status.get("message"))
    problem = f"watch: {code} {message}"
    return Gone(problem, 410) if code == 410 else ClusterUnavailable(problem, code if isinstance(code, int) else 0)
