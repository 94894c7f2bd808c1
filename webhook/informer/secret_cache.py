"""Secrets and ConfigMaps by name: read with `get` when a verdict asks for them, and kept as facts, never as bytes.

A verdict is made from what is at hand, without I/O. What it asked for and was not at hand, or not fresh, is noted;
whoever judges has it read, and judges again. What is kept is bounded, and a Secret that nothing asks for is never read.

A first look takes what the API server has at hand (`resourceVersion=0`: its watch cache, which costs no way to etcd and
may be behind by moments); what a denial rests on is read exactly.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from threading import Lock
from typing import Any

from webhook.kubeapi.circuit_breaker import CircuitBreaker
from webhook.kubeapi.client import JSON, METADATA_ONLY, ApiClient, ReadOptions
from webhook.kubeapi.errors import ClusterError, NotFound
from webhook.kubeapi.resource import CONFIG_MAPS, SECRETS
from webhook.material import read_config_map, read_secret
from webhook.model.byte_bounded_cache import weigh
from webhook.model.material import ConfigMapFacts, SecretFacts
from webhook.model.printable import cut
from webhook.model.raw_object import dig, text

Key = tuple[str, str, str]
"""Kind, namespace and name."""
KEPT = 20_000
KEPT_BYTES = 64 * 1024 * 1024
"""Of facts: those of 20,000 usual Secrets take about 50 MB, those of one absurd Secret a few."""
_RESOURCES = {"Secret": SECRETS, "ConfigMap": CONFIG_MAPS}
_READ_SECONDS = 2.0
_AT_ONCE = 8
_LOOKED_AT_AGAIN = 4
"""At each read; with four, a third more is held than is named."""
_RECENT_SECONDS = 60.0
"""Who asked may not be in view yet."""
_NOT_YET = "was not read yet"


@dataclass(frozen=True, slots=True)
class CachedRead:
    """What a read brought. at: when it began. version: uid and resourceVersion. why: it could not be read, else ''.

    exact: it shows every change that was acknowledged before. size: bytes that the facts take in memory.
    """

    facts: SecretFacts | ConfigMapFacts | None
    at: float
    version: tuple[str, str] = ("", "")
    why: str = ""
    exact: bool = True
    size: int = 0

    def serves(self, need: "FreshnessRequirement") -> bool:
        """Whether it is fresh enough."""
        since = need.not_before if self.facts is not None else max(need.not_before, need.absent_not_before)
        return self.at >= since and (self.exact or not need.exactly)


@dataclass(frozen=True, slots=True)
class FreshnessRequirement:
    """What a verdict needs of facts: since when they were read, if exactly, and until when it can wait for them."""

    not_before: float = -float("inf")
    exactly: bool = False
    absent_not_before: float = -float("inf")
    """The same for an object that was absent, or could not be read: it may be there by now."""
    until: float = float("inf")


class RecordingReader:
    """The `ByName` of one verdict: answers from what is at hand, and notes what was asked."""

    def __init__(self, held: Mapping[Key, CachedRead], need: FreshnessRequirement) -> None:
        self._held, self._need = held, need
        self._asked: dict[Key, None] = {}
        self._wanted: dict[Key, None] = {}

    @property
    def wanted(self) -> tuple[Key, ...]:
        """What the verdict asked for and was not at hand, or not fresh."""
        return tuple(self._wanted)

    @property
    def unreadable(self) -> tuple[tuple[Key, str], ...]:
        """What the verdict asked for and could not be read, with the reason."""
        return tuple((key, why) for key in self._asked if (why := self.unread(*key)))

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """What is at hand of the Secret."""
        facts = self._look(("Secret", namespace, name))
        return facts if isinstance(facts, SecretFacts) else None

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """What is at hand of the ConfigMap."""
        facts = self._look(("ConfigMap", namespace, name))
        return facts if isinstance(facts, ConfigMapFacts) else None

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why the object could not be looked at, '' when it was."""
        entry = self._held.get((kind, namespace, name))
        return entry.why if entry is not None else _NOT_YET if name else ""

    def _look(self, key: Key) -> SecretFacts | ConfigMapFacts | None:
        self._asked[key] = None
        entry = self._held.get(key)
        if entry is None or not entry.serves(self._need):
            self._wanted[key] = None
        return None if entry is None else entry.facts


class SecretCache:
    """Secrets and ConfigMaps of a live cluster, for the verdicts of several threads."""

    def __init__(
        self,
        connection: ApiClient,
        clock: Callable[[], float],
        changed: Callable[[str], None],
        named: Callable[[Key], bool] = lambda _: True,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        """changed: told the namespace in which something is not as it was before. named: whether anybody may ask again.

        What nobody names any more is forgotten in time; above kept_bytes, what was not asked for longest, at once.
        """
        self._kept_bytes = kept_bytes
        self._connection, self._clock, self._changed, self._named = connection, clock, changed, named
        self.patience = CircuitBreaker(clock)
        self._at_hand = CircuitBreaker(clock)  # while etcd is away, only what the API server has at hand is answered
        self._held: OrderedDict[Key, CachedRead] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read")

    def asked(self, need: FreshnessRequirement) -> "RecordingReader":
        """What answers the questions of one verdict, which needs facts that are as fresh as that."""
        return RecordingReader(self._held, need)

    def lacking(self, keys: Iterable[Key], need: FreshnessRequirement) -> tuple[Key, ...]:
        """Those of the keys that are not at hand, or not fresh enough."""
        held = ((key, self._held.get(key)) for key in keys)
        return tuple(key for key, entry in held if entry is None or not entry.serves(need))

    def read(self, keys: Iterable[Key], need: FreshnessRequirement) -> None:
        """Reads these now, several at a time; what cannot be read is noted as that."""
        wanted = list(keys)
        if len(wanted) == 1:
            self._read(wanted[0], need)
        else:
            wait([self._pool.submit(self._read, key, need) for key in wanted])

    def _read(self, key: Key, need: FreshnessRequirement) -> None:
        began = self._clock()
        known = self._held.get(key)
        try:
            entry = self._fetched(key, known, replace(need, until=min(need.until, began + _READ_SECONDS)))
        except NotFound:
            entry = CachedRead(None, began, exact=need.exactly)
        except ClusterError as error:
            entry = CachedRead(None, began, why=cut(f"could not be read: {error}"))
        self._keep(key, entry)
        if known is None or (known.facts, known.why) != (entry.facts, entry.why):
            self._changed(key[1])

    def _fetched(self, key: Key, known: CachedRead | None, need: FreshnessRequirement) -> CachedRead:
        """The object's facts; those that are known when its metadata say that it has not changed since."""
        began = self._clock()
        if known is not None and known.version[0] and known.version == self._current(key, need):
            return CachedRead(known.facts, began, known.version, exact=need.exactly, size=known.size)
        manifest = self._object(key, need, JSON)
        manifest |= {"kind": key[0], "apiVersion": "v1"}
        facts = read_secret(manifest) if key[0] == "Secret" else read_config_map(manifest)
        return CachedRead(facts, began, _version(manifest), exact=need.exactly, size=weigh(facts))

    def _current(self, key: Key, need: FreshnessRequirement) -> tuple[str, str]:
        return _version(self._object(key, need, METADATA_ONLY))

    def _object(self, key: Key, need: FreshnessRequirement, accept: str) -> dict[str, Any]:
        """The object, or its metadata."""
        kind, namespace, name = key
        patience = self.patience if need.exactly else self._at_hand
        began = self._clock()
        how = ReadOptions(accept, patience.seconds(need.until, _READ_SECONDS), at_hand=not need.exactly)
        try:
            answer = self._connection.get(_RESOURCES[kind], namespace, name, how)
        except ClusterError as error:
            patience.failed(error, began)
            raise
        patience.answered()
        return answer

    def _keep(self, key: Key, entry: CachedRead) -> None:
        with self._lock:
            self._drop(key)
            self._held[key] = entry
            self._size += entry.size
            while len(self._held) > KEPT or (self._size > self._kept_bytes and len(self._held) > 1):
                self._drop(next(iter(self._held)))
            oldest = tuple(islice(self._held.items(), _LOOKED_AT_AGAIN))
        self._look_again(oldest)

    def _look_again(self, entries: Iterable[tuple[Key, CachedRead]]) -> None:
        """Forgets those of the entries that nobody names; the others have their turn again after all the rest.

        A few each time that something is read, so that what is held follows what is named, without a sweep.
        """
        recent = self._clock() - _RECENT_SECONDS
        for key, entry in entries:
            kept = entry.at > recent or self._named(key)
            with self._lock:
                if self._held.get(key) is not entry:
                    continue
                if kept:
                    self._held.move_to_end(key)
                else:
                    self._drop(key)

    def _drop(self, key: Key) -> None:
        """Forgets what is kept under the key, if anything is; under the lock."""
        entry = self._held.pop(key, None)
        self._size -= entry.size if entry is not None else 0


def _version(manifest: dict[str, Any]) -> tuple[str, str]:
    return (text(dig(manifest, "metadata", "uid")), text(dig(manifest, "metadata", "resourceVersion")))
