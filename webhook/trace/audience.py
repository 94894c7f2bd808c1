"""The picture of a DestinationRule and the workloads that it reaches: who holds its files, and who does not.

Counts by namespace, with the answers per file set and per namespace kept, so that a thousand rules over five thousand
workloads cost neither a million pictures nor a million look-ups.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest

from webhook.istio.annotations import read_user_volumes
from webhook.istio.decide import share
from webhook.istio.injection import decide_injection
from webhook.istio.merge import merge
from webhook.istio.paths import is_possible
from webhook.istio.rules import selects
from webhook.istio.sidecar_files import sidecar_files
from webhook.istio.workloads import by_namespace
from webhook.model.chain import Answer, FileState, ResolvedFile
from webhook.model.finding import ObjectRef, by_name
from webhook.model.mesh import FileSet
from webhook.model.workload import Workload
from webhook.trace.asking import asking_for, brought
from webhook.trace.contents import ViewContents
from webhook.trace.destination import DestinationPicture
from webhook.trace.once import once
from webhook.trace.producers import to_come
from webhook.view import ClusterView

_NOBODY: frozenset[ObjectRef] = frozenset()
ASKED = 200
"""How many workloads that may ask injection for a rule are looked at; where there are more, it is taken to serve some.

In a review, each is planned for anew.
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """reached: workloads whose sidecar is told to read the rule's files, by namespace. unprepared: who lacks some."""

    reached: Mapping[str, int]
    unprepared: Mapping[str, frozenset[ObjectRef]]

    @property
    def reached_count(self) -> int:
        """Workloads reached, over all namespaces."""
        return sum(self.reached.values())

    @property
    def unprepared_count(self) -> int:
        """Workloads that are reached and lack a file, over all namespaces."""
        return sum(len(refs) for refs in self.unprepared.values())


class AudiencePicture(DestinationPicture):
    """A DestinationRule's picture with its audience."""

    @once
    def file_sets(self) -> tuple[FileSet, ...]:
        """The file sets with a client certificate that the rule makes sidecars read, each once."""
        if not self.client_settings:
            return ()
        entry = merge((self.rule,))[0]
        read = (files for service in self.services for files, _ in share(self.view.mesh, service, entry).filed)
        return tuple(dict.fromkeys(files for files in read if files.client_certificate))

    @once
    def served(self) -> bool:
        """Whether at least one workload holds all files of a set, and is told by this rule to read them."""
        held = (
            self._told(ref, files)
            for files, prepared in self.prepared.items()
            for refs in prepared.values()
            for ref in refs
        )
        return any(held) or any(self.brought.values()) or len(self._asking) > ASKED

    @once
    def brought(self) -> Mapping[str, frozenset[ObjectRef]]:
        """By namespace: the workloads that ask injection for the rule's files, and get them."""
        getting = by_namespace(one for one in self._asking[:ASKED] if self._gets(one))
        return {name: frozenset(one.ref for one in workloads) for name, workloads in getting.items()}

    @once
    def _asking(self) -> tuple[Workload, ...]:
        """The workloads within reach that may ask injection for this rule; one more than ASKED, if there are more."""
        return tuple(nsmallest(ASKED + 1, self._askers(), key=lambda one: by_name(one.ref)))

    def _askers(self) -> Iterator[Workload]:
        hosts = {service.host for service in self.services}
        reached: dict[str, frozenset[ObjectRef]] = {}
        for workload in asking_for(self.view, hosts) if self.file_sets else ():
            name = workload.namespace
            if name not in reached:
                reached[name] = self._reached(name)
            if workload.ref in reached[name]:
                yield workload

    def _gets(self, workload: Workload) -> bool:
        """Whether injection brings it the files of a set that this rule tells it to read."""
        got = brought(self.view, workload, self.horizon)
        return any(files in got and self._told(workload.ref, files) for files in self.file_sets)

    @once
    def prepared(self) -> Mapping[FileSet, Mapping[str, frozenset[ObjectRef]]]:
        """By file set of the rule and namespace: the workloads that hold it."""
        return {files: prepared_for(self.view, files) for files in self.file_sets}

    def _told(self, ref: ObjectRef, files: FileSet) -> bool:
        labels = self._labels(ref)
        users = self.view.reach(ref.namespace, labels).groups(labels).get(files, ())
        return any(user.rule.ref == self.ref for user in users)

    @once
    def audience(self) -> Audience:
        """Workloads reached and unprepared, by namespace; empty maps when the rule reads no client certificate."""
        reached: dict[str, int] = {}
        unprepared: dict[str, frozenset[ObjectRef]] = {}
        for namespace in self.view.workloads.namespaces() if self.file_sets else ():
            here = self._reached(namespace)
            held = (
                *(held.get(namespace, _NOBODY) for held in self.prepared.values()),
                self.brought.get(namespace, _NOBODY),
            )
            lacking = here.difference(*held)
            if here:
                reached[namespace] = len(here)
            if lacking:
                unprepared[namespace] = lacking
        return Audience(reached, unprepared)

    @once
    def meant_for(self) -> ObjectRef | None:
        """A workload that lacks the files and shows that it means the rule: it mounts at their place, or anything."""
        paths = [path for files in self.file_sets for _, path in files.items()]
        near = [one.ref for one in self.view.workloads.mounting(paths)]
        if near:
            return min(near, key=by_name)
        lacking = self.audience.unprepared
        mounting = (one.ref for name in lacking for one in self.view.workloads.with_mounts(name))
        return min((ref for ref in mounting if ref in lacking[ref.namespace]), key=by_name, default=None)

    def _reached(self, namespace: str) -> frozenset[ObjectRef]:
        """Workloads of the namespace with a sidecar for which the rule is in force, by its usual Sidecar resource."""
        selector = self.rule.selector
        if selector is not None and namespace != self.ref.namespace:
            return _NOBODY
        if not self.view.is_told(namespace, self.ref):
            return _NOBODY
        everyone = injected(self.view, namespace)
        if selector is None:
            return everyone
        return frozenset(ref for ref in everyone if selects(selector, self._labels(ref)))

    def _labels(self, ref: ObjectRef) -> Mapping[str, str]:
        workload = self.view.workloads.get(ref)
        return workload.template.labels if workload is not None else {}


def injected(view: ClusterView, namespace: str) -> frozenset[ObjectRef]:
    """The workloads of the namespace that will have a sidecar; kept until something changes there."""
    tallies = view.tallies.at(namespace)
    known: frozenset[ObjectRef] | None = tallies.get("injected")
    if known is None:
        held = view.namespace(namespace)
        known = tallies["injected"] = frozenset(
            workload.ref
            for workload in view.workloads.of_namespace(namespace)
            if decide_injection(workload.template, held, view.mesh).answer is Answer.YES
        )
    return known


def prepared_for(view: ClusterView, files: FileSet) -> Mapping[str, frozenset[ObjectRef]]:
    """The workloads whose sidecar will hold every file of the set, by namespace; counted anew where something changed.

    A namespace is in it only if it holds one.
    """
    key = ("prepared", files)
    found: dict[str, frozenset[ObjectRef]] = {}
    mounting = by_namespace(view.workloads.mounting(path for _, path in files.items()))
    for namespace, workloads in mounting.items():
        tallies = view.tallies.at(namespace)
        known: frozenset[ObjectRef] | None = tallies.get(key)
        if known is None:
            known = frozenset(one.ref for one in workloads if _holds(view, one, files))
            if all(is_possible(path) for _, path in files.items()):
                tallies[key] = known
        if known:
            found[namespace] = known
    return found


def _holds(view: ClusterView, workload: Workload, files: FileSet) -> bool:
    injection = decide_injection(workload.template, view.namespace(workload.namespace), view.mesh)
    if injection.answer is Answer.NO:
        return False
    held = sidecar_files(workload.template, read_user_volumes(workload.template), injection, view.mesh)
    contents = ViewContents(view, workload.namespace)
    return not any(_lacking(view, held.resolve(path, contents)) for _, path in view.mesh.used(files))


def _lacking(view: ClusterView, file: ResolvedFile) -> bool:
    """Whether the file will not be there, though everything that is mounted is.

    That a mounted Secret or ConfigMap is missing, or not complete yet, is a fault of the workload, not of the rule.
    """
    if file.state is FileState.NO_KEY and file.object is not None:
        return not to_come(view, file.object, (file.key,))
    return file.absent and file.state is not FileState.NO_OBJECT
