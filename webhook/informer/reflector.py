"""Threads that follow the cluster: one for each kind, and one that learns which kinds there are.

What to ask and what an answer means is `watch`'s, what is held is `store`'s. Nothing that goes wrong here ends a
thread but the end of its kind.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import random
from threading import BoundedSemaphore, Event, Thread
from time import monotonic

from webhook.decoding.json_text import load_json_cut
from webhook.informer.discovery import discover
from webhook.informer.list_watch import WATCH_SECONDS, ListWatch, ListWatchRequest
from webhook.informer.store import Store
from webhook.informer.watched_kinds import WatchedKind, WatchTarget, istio_config_maps
from webhook.kubeapi.client import JSON, METADATA_LIST, METADATA_ONLY, ApiClient, WatchStream
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable, Forbidden, Gone, NotFound

Tell = Callable[[str, Mapping[str, object]], None]
"""Who is told what happens: a constant message, and what varies."""
_LISTS_AT_ONCE = 3
"""Pages that are read at the same time: each is parsed whole, and there is one interpreter to do it."""
_JOIN_SECONDS = 5.0
"""How long a thread that was told to stop may take to end."""


@dataclass(frozen=True, slots=True)
class ReflectorConfig:
    """What shall be followed, and how. istio_namespace: where Istio's own ConfigMaps are.

    watch_seconds: how long a watch lasts; a quarter more without a word is a line that hangs. discovery_seconds: how
    soon a kind that comes is noticed.
    """

    kinds: tuple[WatchedKind, ...]
    istio_namespace: str = "istio-system"
    watch_seconds: int = WATCH_SECONDS
    discovery_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class ReflectorContext:
    """How kinds are followed. gate: who reads a page passes through it. tell: told when a watch is interrupted."""

    tell: Tell
    gate: BoundedSemaphore
    watch_seconds: int


class Reflector:
    """Follows one kind into the store until it is told to stop, or the kind is not served any more."""

    def __init__(self, connection: ApiClient, store: Store, followed: WatchTarget, way: ReflectorContext) -> None:
        self.followed = followed
        self._connection, self._store, self._gate = connection, store, way.gate
        self._tell = way.tell
        self._source = store.source(followed)
        wanted = followed.watched
        selectors = {"labelSelector": wanted.labels, "fieldSelector": wanted.fields}
        self._machine = ListWatch({name: one for name, one in selectors.items() if one}, random, way.watch_seconds)
        self._stopped, self._hurried = Event(), Event()
        self._lines: WatchStream | None = None
        self.thread = Thread(target=self.run, name=f"follow {followed.name}", daemon=True)

    def stop(self) -> None:
        """Ends the thread soon; what was seen stays in the store."""
        self._stopped.set()
        self._hurried.set()
        lines = self._lines
        if lines is not None:
            lines.cut()

    def hurry(self) -> None:
        """Ends the pause that it makes, if it makes one: what it waits for has come back."""
        if self._source.trouble and not self._source.forbidden:
            self._hurried.set()

    def run(self) -> None:
        """Follows."""
        while self._rested():
            try:
                self._step(self._machine.request())
            except NotFound as error:
                if self._has_gone(error):
                    return
            except ClusterError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001  # a fault of ours, too, must not leave a kind unwatched
                self._machine.anew()
                self._failed(ClusterUnavailable(f"{type(error).__name__} in our own code"))

    def _rested(self) -> bool:
        """Makes its pause; whether it shall go on."""
        self._hurried.wait(self._machine.pause)
        self._hurried.clear()
        return not self._stopped.is_set()

    def _step(self, request: ListWatchRequest) -> None:
        if request.watch:
            self._watch(request)
        else:
            self._list(request)
        self._source.forbidden = False

    def _list(self, request: ListWatchRequest) -> None:
        followed = self.followed
        accept = METADATA_LIST if followed.watched.metadata_only else JSON
        with self._gate:
            raw = self._connection.page(followed.resource, followed.namespace, request.query, accept)
            content = load_json_cut(raw)
            del raw
            self._alive()
            self._store.take(self._source, self._machine.page(content))
        self._note()

    def _watch(self, request: ListWatchRequest) -> None:
        followed = self.followed
        accept = METADATA_ONLY if followed.watched.metadata_only else JSON
        begun = monotonic()
        self._lines = self._connection.watch(followed.resource, followed.namespace, request.query, accept)
        self._alive()
        for line in self._lines:
            self._alive()
            self._store.take(self._source, self._machine.line(load_json_cut(line)))
            self._note()
        self._machine.ended(monotonic() - begun)

    def _alive(self) -> None:
        if self._source.trouble:
            self._tell("watch resumed", {"kind": self.followed.name})
        self._source.alive, self._source.trouble = monotonic(), ""

    def _note(self) -> None:
        """Tells the store, and who waits there, how far we are."""
        with self._store.moved:
            self._source.version, self._source.synced = self._machine.version, self._machine.synced
            self._store.moved.notify_all()

    def _failed(self, error: ClusterError) -> None:
        if self._stopped.is_set():
            return
        self._machine.failed(error)
        if not self._source.trouble or isinstance(error, Gone):
            self._tell("watch interrupted", {"kind": self.followed.name, "problem": str(error)})
        self._source.restarts = self._machine.restarts
        self._source.trouble, self._source.forbidden = str(error), isinstance(error, Forbidden)
        if self._source.forbidden:
            self._store.not_readable(self._source)

    def _has_gone(self, error: NotFound) -> bool:
        """Whether discovery, too, says that the kind is not served; a server that has just started may not know yet."""
        try:
            served = self.followed.watched.key in discover(self._connection, [self.followed.watched])
        except ClusterError:
            served = True
        if served:
            self._machine.anew()
            self._failed(error)
        else:
            self._store.drop(self._source)
        return not served


class ReflectorManager:
    """Everything that is followed. Starts what is served and not followed yet, whenever that is."""

    def __init__(self, connection: ApiClient, store: Store, wishes: ReflectorConfig, tell: Tell) -> None:
        self._connection, self._store, self._wishes, self._tell = connection, store, wishes, tell
        self._followers: dict[str, Reflector] = {}
        self._way = ReflectorContext(tell, BoundedSemaphore(_LISTS_AT_ONCE), wishes.watch_seconds)
        self._stopped = Event()
        self.missing = "the API server"
        """What we wait for before we even know which kinds there are; '' once we do."""

    def start(self) -> None:
        """Begins to follow, in threads of its own."""
        Thread(target=self._run, name="discover", daemon=True).start()

    def stop(self) -> None:
        """Ends every thread soon."""
        self._stopped.set()
        for follower in list(self._followers.values()):
            follower.stop()

    def _run(self) -> None:
        pause, failed = 0.0, False
        while not self._stopped.wait(pause):
            try:
                self.look()
                if failed:
                    self._hurry()
                pause, failed = self._wishes.discovery_seconds, False
            except Exception as error:  # noqa: BLE001  # as in Reflector.run
                self.missing = self.missing and f"the API server: {error}"
                pause, failed = 1.0, True

    def _hurry(self) -> None:
        """The API server answers again: nobody shall wait for half a minute more."""
        for follower in list(self._followers.values()):
            follower.hurry()

    def look(self) -> None:
        """Learns what is served, and follows all of it.

        Raises:
            ClusterUnavailable, Forbidden: the API server does not tell.
        """
        served = discover(self._connection, self._wishes.kinds)
        found = [WatchTarget(one, served[one.key]) for one in self._wishes.kinds if one.key in served]
        with self._store.lock:
            self._store.view.made.serve(served)
            revisions = self._store.view.mesh.config_revisions
        wanted = (*found, *istio_config_maps(self._wishes.istio_namespace, revisions))
        for followed in wanted:
            self._follow(followed)
        self._leave({followed.name for followed in wanted})
        self.missing = ""

    def _leave(self, wanted: Collection[str]) -> None:
        """Follows the ConfigMaps of a revision no longer that has gone; nobody may have allowed to read them."""
        for name, follower in list(self._followers.items()):
            if name not in wanted and follower.followed.watched.kind == "ConfigMap":
                follower.stop()
                follower.thread.join(_JOIN_SECONDS)
                self._store.drop(self._store.source(follower.followed))
                del self._followers[name]

    def _follow(self, followed: WatchTarget) -> None:
        known = self._followers.get(followed.name)
        if known is not None and known.thread.is_alive() and known.followed == followed:
            return
        if known is not None:
            known.stop()
            self._tell("following anew" if known.thread.is_alive() else "served again", {"kind": followed.name})
        follower = self._followers[followed.name] = Reflector(self._connection, self._store, followed, self._way)
        follower.thread.start()
