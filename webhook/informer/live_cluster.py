"""A live cluster, put together: connection, store, watches, Secrets by name, confirmation, and the judge on it."""

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Thread
from time import monotonic

from webhook.informer.consistency import ConsistencyWait
from webhook.informer.controller_age import ControllerAgeReader
from webhook.informer.list_watch import WATCH_SECONDS
from webhook.informer.live_engine import LiveEngine, ReviewLimits
from webhook.informer.malloc import give_back, share_arenas
from webhook.informer.reflector import ReflectorConfig, ReflectorManager, Tell
from webhook.informer.secret_cache import FreshnessRequirement, Key, SecretCache
from webhook.informer.staleness import waits
from webhook.informer.store import Store, WatchState
from webhook.informer.watched_kinds import watched_kinds
from webhook.kubeapi.client import ApiClient
from webhook.policy import Policy
from webhook.trace.prepared_workloads import injected

_USUAL = gc.get_threshold()
_MANY = 100_000
"""Objects made between two looks at the youngest of them while everything is read for the first time."""


@dataclass(frozen=True, slots=True)
class LiveClusterOptions:
    """How a cluster is looked at; see ReflectorConfig and ReviewLimits."""

    istio_namespace: str = "istio-system"
    watch_seconds: int = WATCH_SECONDS
    discovery_seconds: float = 10.0
    limits: ReviewLimits = field(default_factory=ReviewLimits)


@dataclass(frozen=True, slots=True)
class WatchAge:
    """How the watch of one kind is, for metrics. seconds: since the API server last said anything of it."""

    kind: str
    seconds: float
    restarts: int
    objects: int


class LiveCluster:
    """The view of a cluster, kept by watches, and what is judged on it. Begins with `start`, in the serving process."""

    def __init__(
        self, connection: ApiClient, policy: Policy, tell: Tell, options: LiveClusterOptions | None = None
    ) -> None:
        """tell: who is told what happens."""
        chosen = options or LiveClusterOptions()
        self.store = Store(policy.workload_paths, policy.further_producers)
        reader = SecretCache(connection, monotonic, self._content_changed, self._named)
        self.store.view.by_name = reader.asked(FreshnessRequirement())
        self.follow = ReflectorManager(connection, self.store, _wishes(policy, chosen), tell)
        self.judge = LiveEngine(self.store, reader, ConsistencyWait(connection, self.store, reader.patience), policy)
        self.judge.limits = chosen.limits
        self.judge.ages = ControllerAgeReader(connection, self.store)
        self._tell = tell
        self._ready = False

    def start(self) -> None:
        """Begins to follow the cluster, in threads."""
        share_arenas()
        gc.set_threshold(_MANY, 20, 100)  # what comes in stays; there is little garbage in it to look for
        self.follow.start()
        Thread(target=self._settle, name="settle", daemon=True).start()

    def stop(self) -> None:
        """Ends what was started."""
        self.follow.stop()

    def waits(self) -> str:
        """What is still waited for before anything can be judged; '' from the first time on that nothing was."""
        if self._ready:
            return ""
        missing = self.follow.missing or waits(self.store.sources())
        self._ready = not missing
        return missing

    def watches(self) -> tuple[WatchAge, ...]:
        """How each watch is."""
        now = monotonic()
        return tuple(_age(one, now) for one in self.store.sources())

    def _settle(self) -> None:
        """Once everything was seen, works out what every review needs, and hides it all from the garbage collector."""
        while self.waits():
            with self.store.moved:
                self.store.moved.wait(1.0)
        self._warm()
        gc.set_threshold(*_USUAL)
        gc.collect()
        gc.freeze()
        give_back()
        self._tell("in sync", self._counts())

    def _warm(self) -> None:
        """What the first reviews would have to wait for otherwise, a piece at a time."""
        view = self.store.view
        with self.store.lock:
            view.workloads.mounting(["/"])
            view.reach("default", {})
            namespaces = list(view.workloads.namespaces())
        for namespace in namespaces:
            with self.store.lock:
                injected(view, namespace)

    def _counts(self) -> Mapping[str, object]:
        sources = self.store.sources()
        return {"kinds": len(sources), "objects": sum(len(one.held) for one in sources)}

    def _named(self, key: Key) -> bool:
        """Whether a workload in view may ask for the object again."""
        kind, namespace, name = key
        with self.store.lock:
            workloads = self.store.view.workloads
            return bool(
                workloads.using_secret(namespace, name) if kind == "Secret" else workloads.of_namespace(namespace)
            )

    def _content_changed(self, namespace: str) -> None:
        with self.store.lock:
            self.store.view.recount(namespace)


def _wishes(policy: Policy, options: LiveClusterOptions) -> ReflectorConfig:
    return ReflectorConfig(
        watched_kinds(policy), options.istio_namespace, options.watch_seconds, options.discovery_seconds
    )


def _age(source: WatchState, now: float) -> WatchAge:
    seconds = now - source.alive if source.alive else float("inf")
    return WatchAge(source.name, seconds, source.restarts, len(source.held))
