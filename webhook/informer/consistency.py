"""Makes sure, before anything is denied, that the view shows what the API server has acknowledged.

Of each kind that the denial rests on, one object is listed: such a list is never older than any write that was
acknowledged before, and tells the resourceVersion of the moment and how many objects there are. Then the watch is
waited for. It has caught up once it has reached that resourceVersion. Where nothing happens it never will (a bookmark
comes once a minute), so it has also caught up when it holds as many objects as there are and has had a moment to bring
what else was changed: before it answered the list, the server had taken every change into the cache that feeds its
watches (https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/storage/cacher/cacher.go, dispatchEvents).
"""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import orjson

from webhook.informer.store import Store, WatchState
from webhook.kubeapi.circuit_breaker import CircuitBreaker
from webhook.kubeapi.client import METADATA_LIST, ApiClient, ApiRequest
from webhook.kubeapi.errors import ClusterError
from webhook.model.raw_object import dig, number, text

MOMENT_SECONDS = 0.05
_LONGEST_SECONDS = 3.0
_LIST_SECONDS = 2.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class WatchPosition:
    """Where a watch has to be. count: objects that there are, None where that is not told. since: when."""

    source: WatchState
    version: str
    count: int | None
    since: float


class ConsistencyWait:
    """Waits for watches, each time anew."""

    def __init__(
        self, connection: ApiClient, store: Store, patience: CircuitBreaker, clock: Callable[[], float] = monotonic
    ) -> None:
        self._connection, self._store, self._patience, self._clock = connection, store, patience, clock
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="confirm")

    def wait(self, kinds: Collection[str], until: float) -> str:
        """Waits until the view shows every change to these kinds that was made before; '' then, else what it lacks.

        until: the instant at which it gives up, at the latest.
        """
        until = min(until, self._clock() + _LONGEST_SECONDS)
        concerned = [one for one in self._store.sources() if one.followed.watched.kind in kinds and one.synced]
        try:
            marks = list(self._pool.map(partial(self._mark, until), concerned))
        except ClusterError as error:
            return f"what exists now could not be confirmed: {error}"
        with self._store.moved:
            for mark in marks:
                while not self._reached(mark):
                    left = until - self._clock()
                    if left <= 0:
                        return f"changes to {mark.source.name} had not arrived in time"
                    self._store.moved.wait(min(left, MOMENT_SECONDS / 2))
        return ""

    def _mark(self, until: float, source: WatchState) -> WatchPosition:
        followed = source.followed
        content = self._first(followed.resource.path(followed.namespace), until)
        here = len(content.get("items") or ())
        more = number(dig(content, "metadata", "remainingItemCount"))
        filtered = bool(followed.watched.labels or followed.watched.fields)
        last = not text(dig(content, "metadata", "continue"))
        count = None if filtered or (more is None and not last) else here + (more or 0)
        return WatchPosition(source, text(dig(content, "metadata", "resourceVersion")), count, self._clock())

    def _first(self, path: str, until: float) -> Any:
        """A list with one object, parsed."""
        began, seconds = self._clock(), self._patience.seconds(until, _LIST_SECONDS)
        call = ApiRequest("GET", path, {"limit": 1}, accept=METADATA_LIST, seconds=seconds)
        try:
            answer = self._connection.ask(call)
        except ClusterError as error:
            self._patience.failed(error, began)
            raise
        self._patience.answered()
        return orjson.loads(answer)

    def _reached(self, mark: WatchPosition) -> bool:
        source = mark.source
        if _at_least(source.version, mark.version):
            return True
        complete = mark.count is None or mark.count == len(source.held)
        return complete and self._clock() - mark.since >= MOMENT_SECONDS


def _at_least(version: str, wanted: str) -> bool:
    """Whether a resourceVersion is not older; they are numbers, by the API's word since Kubernetes 1.35."""
    return version.isdecimal() and wanted.isdecimal() and int(version) >= int(wanted)
