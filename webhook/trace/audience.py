"""The picture of a DestinationRule with the workloads to which it applies: which have its files, and which lack them.

It counts by namespace and caches the counts per file set and namespace, so that a thousand DestinationRules and five
thousand workloads need neither a million pictures nor a million look-ups.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest

from webhook.istio.injector.decision import decide_injection
from webhook.istio.injector.workload_index import by_namespace
from webhook.istio.pilot.destination_rule_merge import merge
from webhook.istio.pilot.destination_rules import selects
from webhook.istio.pilot.host_config import share
from webhook.istio.pilot.server_pods import is_behind
from webhook.model.finding import ObjectRef, by_name
from webhook.model.mesh import FileSet
from webhook.model.workload import Workload
from webhook.trace.cached import cached
from webhook.trace.destination import DestinationPicture
from webhook.trace.injected_workload import picture_as_injected
from webhook.trace.injection_candidates import asking_for, brought
from webhook.trace.prepared_workloads import injected, prepared_for

_NOBODY: frozenset[ObjectRef] = frozenset()
ASKED = 200
"""How many workloads that may ask for injection are examined for one DestinationRule.

If there are more, mtls-guard assumes that some of them use it. Each review plans the injection of each of them again.
"""

LOOKED_AT = 20
"""How many workloads with mounts are examined for whether they mean to use the DestinationRule."""


@dataclass(frozen=True, slots=True)
class Audience:
    """reached: number of workloads whose sidecar is configured to read the files, by namespace.

    unprepared: those of them that lack a file, by namespace.
    """

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
    """The picture of a DestinationRule, with the workloads to which it applies."""

    @cached
    def file_sets(self) -> tuple[FileSet, ...]:
        """The file sets with a client certificate that sidecars read because of the DestinationRule, each once."""
        if not self.client_settings:
            return ()
        entry = merge((self.rule,))[0]
        file_sets = (files for service in self.services for files, _ in share(self.view.mesh, service, entry).filed)
        return tuple(dict.fromkeys(files for files in file_sets if files.client_certificate))

    @cached
    def served(self) -> bool:
        """Whether at least one workload has all files of a set, and reads them because of this DestinationRule."""
        served = (
            self._told(ref, files)
            for files, prepared in self.prepared.items()
            for refs in prepared.values()
            for ref in refs
        )
        return any(served) or any(self.brought.values()) or len(self._asking) > ASKED

    @cached
    def brought(self) -> Mapping[str, frozenset[ObjectRef]]:
        """By namespace: the workloads that get the files of the DestinationRule by injection."""
        getting = by_namespace(workload for workload in self._asking[:ASKED] if self._gets(workload))
        return {name: frozenset(workload.ref for workload in workloads) for name, workloads in getting.items()}

    @cached
    def _asking(self) -> tuple[Workload, ...]:
        """The workloads that may get the files of this DestinationRule by injection; at most one more than ASKED."""
        return tuple(nsmallest(ASKED + 1, self._askers(), key=lambda workload: by_name(workload.ref)))

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
        """Whether injection adds the files of a set that the workload reads because of this DestinationRule."""
        got = brought(self.view, workload, self.horizon)
        return any(files in got and self._told(workload.ref, files) for files in self.file_sets)

    @cached
    def prepared(self) -> Mapping[FileSet, Mapping[str, frozenset[ObjectRef]]]:
        """By file set of the DestinationRule and by namespace: the workloads that have all its files."""
        return {files: prepared_for(self.view, files) for files in self.file_sets}

    def _told(self, ref: ObjectRef, files: FileSet) -> bool:
        labels = self._labels(ref)
        if self._serves(ref.namespace, labels):
            return False
        users = self.view.reach(ref.namespace, labels).groups(labels).get(files, ())
        return any(user.rule.ref == self.ref for user in users)

    @cached
    def audience(self) -> Audience:
        """Workloads reached and unprepared, by namespace; empty maps without a client certificate."""
        reached: dict[str, int] = {}
        unprepared: dict[str, frozenset[ObjectRef]] = {}
        for namespace in self.view.workloads.namespaces() if self.file_sets else ():
            with_sidecar = self._reached(namespace)
            prepared = (
                *(refs.get(namespace, _NOBODY) for refs in self.prepared.values()),
                self.brought.get(namespace, _NOBODY),
            )
            lacking = with_sidecar.difference(*prepared)
            if with_sidecar:
                reached[namespace] = len(with_sidecar)
            if lacking:
                unprepared[namespace] = lacking
        return Audience(reached, unprepared)

    @cached
    def held_by_gateways(self) -> bool:
        """Whether gateways have the files in their proxy, and no other workload has them."""
        refs = {ref for prepared in self.prepared.values() for workloads in prepared.values() for ref in workloads}
        return bool(refs) and all(map(self._is_gateway, refs))

    def _is_gateway(self, ref: ObjectRef) -> bool:
        workload = self.view.workloads.get(ref) or self.view.pods.get(ref)
        if workload is None:
            return False
        return decide_injection(workload.template, self.view.namespace(ref.namespace), self.view.mesh).gateway

    @cached
    def meant_for(self) -> ObjectRef | None:
        """A workload to which the DestinationRule applies, which lacks its files and has a mount for it."""
        lacking = self.audience.unprepared
        near = self.view.workloads.mounting([path for files in self.file_sets for _, path in files.items()])
        in_lacking = (workload for name in lacking for workload in self.view.workloads.with_mounts(name))
        mounting = {
            workload.ref: workload
            for workload in (*near, *in_lacking)
            if workload.ref in lacking.get(workload.namespace, _NOBODY)
        }
        examined = nsmallest(LOOKED_AT, mounting, key=by_name)
        pictures = (picture_as_injected(mounting[ref], self.view, self.horizon) for ref in examined)
        file_sets = frozenset(self.file_sets)
        return next((picture.ref for picture in pictures if not file_sets.isdisjoint(picture.intents)), None)

    @cached
    def servers_selected(self) -> ObjectRef | None:
        """A server of the host that the workloadSelector selects, although it has to select clients."""
        selector, namespace = self.rule.selector, self.ref.namespace
        workloads = self.view.workloads.of_namespace(namespace) if selector is not None else ()
        picked = (workload for workload in workloads if selects(selector or {}, workload.template.labels))
        return min(
            (workload.ref for workload in picked if self._serves(namespace, workload.template.labels)),
            key=by_name,
            default=None,
        )

    def _serves(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels is a server of every host of the DestinationRule."""
        return bool(self.services) and all(is_behind(service, namespace, labels) for service in self.services)

    def _reached(self, namespace: str) -> frozenset[ObjectRef]:
        """Workloads of the namespace with a sidecar to which the DestinationRule applies.

        Of the Sidecar resources, only the default one of the namespace is considered.
        """
        selector = self.rule.selector
        if selector is not None and namespace != self.ref.namespace:
            return _NOBODY
        if not self.view.is_told(namespace, self.ref):
            return _NOBODY
        everyone = injected(self.view, namespace)
        has_servers = any(service.selector and service.namespace == namespace for service in self.services)
        if selector is None and not has_servers:
            return everyone
        return frozenset(ref for ref in everyone if self._calls(ref))

    def _calls(self, ref: ObjectRef) -> bool:
        """Whether the DestinationRule selects the workload, and the workload is no server of its host."""
        labels = self._labels(ref)
        return selects(self.rule.selector or {}, labels) and not self._serves(ref.namespace, labels)

    def _labels(self, ref: ObjectRef) -> Mapping[str, str]:
        workload = self.view.workloads.get(ref) or self.view.pods.get(ref)
        return workload.template.labels if workload is not None else {}
