"""Reads the manifests that a command was given into a Snapshot, and remembers where each object stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from posixpath import dirname

from webhook.input.parallel import ahead
from webhook.kinds.registry import ISTIO_GROUP, REGISTRY, SHARED_KINDS, WORKLOAD_KINDS
from webhook.manifests import TEMPLATE_SAYS, Document, DocumentLocation, line_of, read
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import Manifest, group_of, mapping, namespace_of, text
from webhook.model.source_location import SourceLocation, Unreadable
from webhook.policy import Policy
from webhook.view import Snapshot
from webhook.view.mesh_settings import istio_namespace, namespaces

_Key = tuple[str, str, str, str]
_NAMED = frozenset((*WORKLOAD_KINDS, *SHARED_KINDS, "ConfigMap"))
"""Kinds whose objects can be neither applied nor judged without a name."""

_OF_GROUP = {
    group: tuple(entry.kind for entry in REGISTRY if entry.group == group)
    for group in ("", "apps", "batch", ISTIO_GROUP)
}
"""Kinds that we look at, by API groups to which nobody can add a kind of his own."""
_TWO_OR_ONE = (
    "and where no namespace is named nobody can tell whether that is one object or two; only this one was judged: "
    "check each folder by itself, or render it first (kustomize build FOLDER | mtls-guard check -)"
)


_OTHER_CONTENT = (
    "with other content; only this one was judged: leave one of them out, check each file by itself, or render what "
    "belongs together first (kustomize build FOLDER | mtls-guard check -)"
)
_PRODUCERS = frozenset(("Certificate", "ExternalSecret", "SealedSecret"))


@dataclass(slots=True)
class ManifestInput:
    """Everything that was read. twice: objects that stand in two places with the same content, or count for no verdict.

    namespace: where objects are that name none; '' where nobody has said so, which reads as `default`.
    """

    view: Snapshot
    namespace: str = ""
    unreadable: list[Unreadable] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    _places: dict[_Key, DocumentLocation] = field(default_factory=dict)
    _lines: dict[tuple[ObjectRef, str], SourceLocation | None] = field(default_factory=dict)
    _unplaced: set[_Key] = field(default_factory=set)
    _contents: dict[_Key, int] = field(default_factory=dict)

    def take(self, found: Document | Unreadable) -> None:
        """Holds one document, or the fact that it could not be read."""
        if isinstance(found, Unreadable):
            self.unreadable.append(found)
            return
        found = self._placed(found)
        key, place = _key(found.manifest), found.place
        if "{{" in key[2] or "{{" in key[3]:
            self.unreadable.append(Unreadable(place.file, place.line, TEMPLATE_SAYS))
            return
        if not key[3] and self._counts(key):
            self.unreadable.append(Unreadable(place.file, place.line, f"this {key[1]} has no metadata.name"))
            return
        if near := _misspelt(key):
            problem = f'no API server knows kind "{key[1]}" of {found.manifest.get("apiVersion")}; write "{near}"'
            self.unreadable.append(Unreadable(place.file, place.line, problem))
            return
        content = _content(found.manifest) if self._matters(key) else 0
        if key in self._places and key[3]:
            self._tell_twice(key, self._places[key], found, differs=self._contents.get(key, content) != content)
        self._places[key], self._contents[key] = place, content
        if not _names_namespace(found.manifest):
            self._unplaced.add(key)
        self.view.put(found.manifest)

    def end_layer(self) -> None:
        """From now on an object may come again with other content: what follows is the cluster around it."""
        self._contents.clear()

    def _placed(self, found: Document) -> Document:
        """The document, in the namespace that was said where it names none."""
        if not self.namespace or _names_namespace(found.manifest):
            return found
        metadata = {**mapping(found.manifest.get("metadata")), "namespace": self.namespace}
        return replace(found, manifest={**found.manifest, "metadata": metadata})

    def _tell_twice(self, key: _Key, first: DocumentLocation, second: Document, *, differs: bool) -> None:
        """Says that an object stands in two places, or that one of them was not judged.

        kubectl submits each of them, so that the one which is not judged could be refused.
        """
        named = ObjectRef("", key[1], text(mapping(second.manifest.get("metadata")).get("namespace")), key[3])
        here, there = (SourceLocation(place.file, place.line) for place in (second.place, first))
        unplaced = key in self._unplaced or not _names_namespace(second.manifest)
        if unplaced and self._counts(key) and dirname(here.file) != dirname(there.file):
            problem = f"{named} stands in {there}, too, {_TWO_OR_ONE}"
            self.unreadable.append(Unreadable(here.file, here.line, problem))
        elif differs:
            problem = f"{named} is in {there}, too, {_OTHER_CONTENT}"
            self.unreadable.append(Unreadable(here.file, here.line, problem))
        else:
            self.twice.append(f"{named} stands in {there} and in {here}; the later one counts")

    def _counts(self, key: _Key) -> bool:
        """Whether a verdict may depend on the object, so that it must be clear which one it is."""
        return key[1] in _NAMED or key[:2] in self.view.workload_paths

    def _matters(self, key: _Key) -> bool:
        """Whether it makes a difference which content the object has."""
        return self._counts(key) or key[1] == "Service" or key[1] in _PRODUCERS

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands twice, and which of several ConfigMaps with mesh-wide settings count."""
        sources = self.view.mesh_sources
        used = istio_namespace(sources, self.view.istio_namespace)
        others = ", ".join(sorted(namespaces(sources) - {used}))
        settings = f"Istio's settings are those of namespace {used}; ConfigMaps of namespace {others} do not count"
        return (*self.twice, settings) if others else tuple(self.twice)

    def locate(self, ref: ObjectRef, path: str) -> SourceLocation | None:
        """Where a field of an object stands; None when the object is not in the input."""
        known = self._lines.get((ref, path))
        if known is None and (place := self._place(ref)) is not None:
            known = self._lines[ref, path] = SourceLocation(place.file, line_of(place, path))
        return known

    def _place(self, ref: ObjectRef) -> DocumentLocation | None:
        group, name = group_of(ref.api_version), ref.name.removesuffix("*")
        return self._places.get((group, ref.kind, ref.namespace or "default", name))


def read_input(paths: Iterable[str], policy: Policy, *, complete: bool, namespace: str = "") -> ManifestInput:
    """The objects in the paths as a view. complete: what is not in it does not exist. namespace: see Input."""
    held = ManifestInput(
        Snapshot(complete=complete, workload_paths=policy.workload_paths, further=policy.further_producers), namespace
    )
    for found in ahead(read(paths)):
        held.take(found)
    return held


def _misspelt(key: _Key) -> str:
    """The kind that was meant, where the group has none of that name and one that nearly has it; else ''."""
    known = _OF_GROUP.get(key[0], ())
    near = () if key[1] in known else get_close_matches(key[1], known, 1, 0.85)
    return near[0] if near else ""


def _content(manifest: Manifest) -> int:
    """The same number for the same content, whichever version of its kind it is written in."""
    import orjson

    content = {key: value for key, value in manifest.items() if key != "apiVersion"}
    try:
        return hash(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    except TypeError:  # a number that orjson does not write
        return hash(repr(content))


def _names_namespace(manifest: Manifest) -> bool:
    return bool(text(mapping(manifest.get("metadata")).get("namespace")))


def _key(manifest: Manifest) -> _Key:
    """What makes two objects the same; without a namespace it is `default`, as kubectl has it."""
    metadata = mapping(manifest.get("metadata"))
    return (
        group_of(text(manifest.get("apiVersion"))),
        text(manifest.get("kind")),
        namespace_of(manifest),
        text(metadata.get("name")) or text(metadata.get("generateName")),
    )
