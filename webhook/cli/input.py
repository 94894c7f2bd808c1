"""Reads the manifests that a command was given into a Snapshot, and remembers where each object stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from webhook.cli.forked import ahead
from webhook.kinds.workload import TEMPLATE_PATHS
from webhook.manifests import TEMPLATE_SAYS, Document, Place, line_of, read
from webhook.model.finding import ObjectRef
from webhook.model.manifest import Manifest, mapping, text
from webhook.model.source import Source, Unreadable
from webhook.policy import Policy
from webhook.view import Snapshot

_Key = tuple[str, str, str, str]
_NAMED = frozenset(
    (*TEMPLATE_PATHS, "DestinationRule", "Secret", "ConfigMap", "ServiceEntry", "VirtualService", "Sidecar")
)
"""Kinds whose objects can be neither applied nor judged without a name."""

_OF_GROUP = {
    "": ("Pod", "Secret", "ConfigMap", "Service", "Namespace"),
    "apps": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
    "batch": ("Job", "CronJob"),
    "networking.istio.io": ("DestinationRule", "ServiceEntry", "VirtualService", "Sidecar"),
}
"""Kinds that we look at, by API groups to which nobody can add a kind of his own."""


@dataclass(slots=True)
class Input:
    """Everything that was read. twice: objects that stand in two places, of which the later one counts."""

    view: Snapshot
    unreadable: list[Unreadable] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    _places: dict[_Key, Place] = field(default_factory=dict)
    _lines: dict[tuple[ObjectRef, str], Source | None] = field(default_factory=dict)

    def take(self, found: Document | Unreadable) -> None:
        """Holds one document, or the fact that it could not be read."""
        if isinstance(found, Unreadable):
            self.unreadable.append(found)
            return
        key, place = _key(found.manifest), found.place
        if "{{" in key[2] or "{{" in key[3]:
            self.unreadable.append(Unreadable(place.file, place.line, TEMPLATE_SAYS))
            return
        if not key[3] and (key[1] in _NAMED or key[1] in self.view.workload_paths):
            self.unreadable.append(Unreadable(place.file, place.line, f"this {key[1]} has no metadata.name"))
            return
        if near := _misspelt(key):
            problem = f'no API server knows kind "{key[1]}" of {found.manifest.get("apiVersion")}; write "{near}"'
            self.unreadable.append(Unreadable(place.file, place.line, problem))
            return
        if key in self._places and key[3]:
            first = Source(self._places[key].file, self._places[key].line)
            named = ObjectRef("", key[1], text(mapping(found.manifest.get("metadata")).get("namespace")), key[3])
            self.twice.append(f"{named} stands in {first} and in {Source(place.file, place.line)}")
        self._places[key] = place
        self.view.put(found.manifest)

    def locate(self, ref: ObjectRef, path: str) -> Source | None:
        """Where a field of an object stands; None when the object is not in the input."""
        known = self._lines.get((ref, path))
        if known is None and (place := self._place(ref)) is not None:
            known = self._lines[ref, path] = Source(place.file, line_of(place, path))
        return known

    def _place(self, ref: ObjectRef) -> Place | None:
        group, name = ref.api_version.rpartition("/")[0], ref.name.removesuffix("*")
        return self._places.get((group, ref.kind, ref.namespace or "default", name))


def read_input(paths: Iterable[str], policy: Policy, *, complete: bool) -> Input:
    """The objects in the paths as a view. complete: what is not in it does not exist."""
    held = Input(Snapshot(complete=complete, workload_paths=policy.workload_paths))
    for found in ahead(read(paths)):
        held.take(found)
    return held


def _misspelt(key: _Key) -> str:
    """The kind that was meant, where the group has none of that name and one that nearly has it; else ''."""
    known = _OF_GROUP.get(key[0], ())
    near = () if key[1] in known else get_close_matches(key[1], known, 1, 0.85)
    return near[0] if near else ""


def _key(manifest: Manifest) -> _Key:
    """What makes two objects the same; without a namespace it is `default`, as kubectl has it."""
    metadata = mapping(manifest.get("metadata"))
    return (
        text(manifest.get("apiVersion")).rpartition("/")[0],
        text(manifest.get("kind")),
        text(metadata.get("namespace")) or "default",
        text(metadata.get("name")) or text(metadata.get("generateName")),
    )
