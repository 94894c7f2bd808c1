"""Watches the namespace that we live in, for the moment at which it is being deleted: our rights end seconds later."""

from collections.abc import Callable, Iterable
from random import random
from time import monotonic

import orjson

from webhook.informer.list_watch import ListWatch, ListWatchRequest, ObjectUpserted
from webhook.kubeapi.client import METADATA_LIST, METADATA_ONLY, ApiClient, WatchStream
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import NAMESPACES
from webhook.model.raw_object import dig, mapping


class NamespaceWatch:
    """One namespace, watched from a thread of its own."""

    def __init__(self, api: ApiClient, name: str) -> None:
        self.api, self.name = api, name
        self._watch = ListWatch({"fieldSelector": f"metadata.name={name}"}, random)
        self._lines: WatchStream | None = None
        self._ended = False

    def is_deleted(self, pause: Callable[[float], object]) -> bool:
        """Waits until it is marked for deletion; False once `end` was called. pause: waits for so many seconds."""
        while not self._ended:
            try:
                if self._asks(self._watch.request()):
                    return True
            except ClusterError as error:
                self._watch.failed(error)
            pause(self._watch.pause)
        return False

    def end(self) -> None:
        """Ends the wait, from another thread."""
        self._ended = True
        if self._lines:
            self._lines.cut()

    def _asks(self, request: ListWatchRequest) -> bool:
        """Asks once, and reads until the answer ends; whether the namespace is marked in it."""
        if not request.watch:
            content = orjson.loads(self.api.page(NAMESPACES, "", request.query, METADATA_LIST))
            return _marks(self._watch.page(mapping(content)))
        began = monotonic()
        self._lines = self.api.watch(NAMESPACES, "", request.query, METADATA_ONLY)
        for line in self._lines:
            if _marks(self._watch.line(mapping(orjson.loads(line)))):
                return True
        self._watch.ended(monotonic() - began)
        return False


def _marks(changes: Iterable[object]) -> bool:
    """Whether an object is marked for deletion; goes through all of them, which moves the watch on."""
    put = [change.manifest for change in changes if isinstance(change, ObjectUpserted)]
    return any(dig(manifest, "metadata", "deletionTimestamp") is not None for manifest in put)
