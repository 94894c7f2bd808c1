"""The view of a live cluster: one Snapshot under one lock, kept by the watches, and how fresh each part of it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Condition

from webhook.informer.counted_lock import CountedLock
from webhook.informer.list_watch import Change, ListCompleted, Name, ObjectDeleted, ObjectUpserted, name_of
from webhook.informer.transform import trim
from webhook.informer.watched_kinds import WatchTarget
from webhook.kinds.controllers import controller_of, is_created
from webhook.kinds.producer import NO_FURTHER, Further
from webhook.kinds.workload import Templates
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import Manifest, dig, mapping, text
from webhook.view import Snapshot


@dataclass(slots=True)
class WatchState:
    """One followed kind: which objects of it were seen, and how its watch is.

    held: the resourceVersion of each object, also of those that no verdict looks at. version: up to which everything
    has been seen. alive: when the API server last said anything of it, by a monotonic clock. trouble: what is
    wrong with its watch, '' for nothing. moving: objects that are held as another version of their kind names them.
    """

    followed: WatchTarget
    held: dict[Name, str] = field(default_factory=dict)
    version: str = ""
    synced: bool = False
    alive: float = 0.0
    trouble: str = ""
    forbidden: bool = False
    restarts: int = 0
    moving: dict[Name, WatchTarget] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.followed.name

    def served_as(self, followed: WatchTarget) -> None:
        """Notes that the kind is served in another version from now on; its objects are read anew as they come."""
        self.moving |= dict.fromkeys(self.held, self.followed)
        self.held = dict.fromkeys(self.held, "")
        self.followed = followed

    def ref(self, name: Name) -> ObjectRef:
        """The object as the readers named it."""
        resource = self.moving.get(name, self.followed).resource
        return ObjectRef(resource.api_version, resource.kind, name[0] or "default", name[1])


class Store:
    """The view and its sources. Whoever reads the view or changes it holds the lock; nobody waits for I/O under it."""

    def __init__(self, workload_paths: Templates, further: Further = NO_FURTHER) -> None:
        """An empty view. workload_paths: further workload kinds, as the policy names them. further: producers."""
        self.lock = CountedLock()
        self.moved = Condition(self.lock.inner)
        self.view = Snapshot(complete=True, workload_paths=workload_paths, further=further)
        self._sources: dict[str, WatchState] = {}

    def sources(self) -> tuple[WatchState, ...]:
        """Everything that is followed now."""
        with self.lock:
            return tuple(self._sources.values())

    def source(self, followed: WatchTarget) -> WatchState:
        """The source of that name, there from now on; one whose kind is served in another version keeps its objects."""
        with self.lock:
            known = self._sources.get(followed.name)
            if known is None:
                known = self._sources[followed.name] = WatchState(followed)
            if known.followed.resource != followed.resource:
                known.served_as(followed)
            return known

    def drop(self, source: WatchState) -> None:
        """Forgets the source with all its objects: its kind is not served any more."""
        with self.lock:
            self.take(source, [ListCompleted(frozenset())])
            self._sources.pop(source.name, None)

    def take(self, source: WatchState, changes: Iterable[Change]) -> None:
        """Takes changes into the view, one after another."""
        for change in changes:
            with self.lock:
                if isinstance(change, ObjectUpserted):
                    self._put(source, change)
                elif isinstance(change, ObjectDeleted):
                    self._remove(source, change.name)
                else:
                    self._keep_only(source, change)
                self.moved.notify_all()

    def _put(self, source: WatchState, change: ObjectUpserted) -> None:
        name, version = name_of(change.manifest), text(dig(change.manifest, "metadata", "resourceVersion"))
        if not name[1] or (version and source.held.get(name) == version):
            return
        source.held[name] = version
        if source.moving:
            self.view.remove(source.ref(name))
            source.moving.pop(name, None)
        if source.followed.watched.kind != "Pod" and self._is_created(source, change.manifest):
            self.view.remove(source.ref(name))
        else:
            self.view.put(trim(dict(change.manifest), source.followed, self.view.workload_paths))

    def _is_created(self, source: WatchState, manifest: Manifest) -> bool:
        """Whether a controller whose template is judged created the object; of these, only Pods tell what runs."""
        owner = controller_of(mapping(manifest.get("metadata")))
        return is_created(source.followed.watched.key, owner, self.view.workload_paths)

    def _remove(self, source: WatchState, name: Name) -> None:
        if source.held.pop(name, None) is not None:
            self.view.remove(source.ref(name))
            source.moving.pop(name, None)

    def _keep_only(self, source: WatchState, change: ListCompleted) -> None:
        for name in [name for name in source.held if name not in change.names]:
            self._remove(source, name)
        self._know(source, listed=True)

    def not_readable(self, source: WatchState) -> None:
        """Notes that the kind may not be read: whatever is held of it may not be all that there is."""
        with self.lock:
            self._know(source, listed=False)

    def _know(self, source: WatchState, *, listed: bool) -> None:
        if source.followed.watched.kind == "MutatingWebhookConfiguration":
            self.view.know_webhooks(listed=listed)
