"""Snapshot: a cluster in memory, as parsed objects and the indexes that verdicts look things up in."""

from collections.abc import Mapping
from typing import Any

from webhook.istio.injector.workload_index import WorkloadIndex
from webhook.istio.pilot.client_config import Config, Past, Reach, is_told, reach, shared_layer
from webhook.istio.pilot.destination_rules import RuleIndex
from webhook.istio.pilot.service_index import ServiceIndex
from webhook.istio.pilot.sidecar_scope import SidecarIndex
from webhook.istio.pilot.virtual_services import RouteIndex
from webhook.kinds.producer import NO_FURTHER, Further
from webhook.kinds.workload import NO_TEMPLATES, Templates
from webhook.model.deadline import UNLIMITED, Deadline
from webhook.model.finding import ObjectRef
from webhook.model.material import ConfigMapFacts, Producer, SecretFacts
from webhook.model.mesh import Mesh, Namespace, Sidecar
from webhook.model.raw_object import Manifest
from webhook.model.webhook_configuration import Hindrance, InjectingEntry
from webhook.view.cluster_view import ByName
from webhook.view.injection_scope import hindrance
from webhook.view.loader import forget, take_in
from webhook.view.mesh_sources import MeshSource
from webhook.view.namespace_cache import Tallies
from webhook.view.producer_index import ProducerIndex

PASSING = 16
"""Namespaces that are not in view for which results are kept."""


class Snapshot:
    """Parsed objects in memory, with the indexes that verdicts look things up in. Not safe for concurrent writers.

    lasting: results that hold until mesh-wide settings change. memo: until any object of Istio does, too.
    tallies: counts by namespace, see there.
    deadline: the time of the review that asks. revision: another one after each change that a verdict may notice.
    by_name: who reads Secrets and ConfigMaps that are not held here. hidden: those that it shall not be asked for.
    injecting: entries by which mtls-guard injects, by configuration. webhooks_listed: the cluster has no other ones.
    """

    def __init__(
        self,
        *,
        complete: bool = True,
        workload_paths: Templates = NO_TEMPLATES,
        istio_namespace: str = "",
        further: Further = NO_FURTHER,
    ) -> None:
        """An empty cluster. workload_paths: further workload kinds with the path of their pod template.

        istio_namespace: whose ConfigMaps hold mesh-wide settings, '' where that follows from what is put in.
        further: further kinds of producers.
        """
        self.complete = complete
        self.workload_paths = workload_paths
        self.mesh = Mesh()
        self.config = Config(self.mesh, RuleIndex(), ServiceIndex(), RouteIndex(), SidecarIndex())
        self.workloads = WorkloadIndex()
        self.pods = WorkloadIndex()
        self.namespaces: dict[str, Namespace] = {}
        self.secrets: dict[tuple[str, str], SecretFacts] = {}
        self.config_maps: dict[tuple[str, str], ConfigMapFacts] = {}
        self.made = ProducerIndex(further)
        self.istio_namespace = istio_namespace
        self.mesh_sources: dict[MeshSource, Manifest] = {}
        self.injecting: dict[str, tuple[InjectingEntry, ...]] = {}
        self.webhooks_listed = False
        self.lasting: dict[Any, Any] = {}
        self.memo: dict[Any, Any] = {}
        self.past: dict[Any, Past] = {}
        self._passing: dict[str, dict[Any, Any]] = {}
        self.tallies = Tallies()
        self.by_name: ByName | None = None
        self.hidden: set[tuple[str, str, str]] = set()
        self.deadline: Deadline = UNLIMITED
        self.revision = 0

    def within(self, deadline: Deadline, by_name: ByName | None = None) -> "Snapshot":
        """The same cluster for one review, which has so much time. by_name: answers its questions."""
        twin = object.__new__(Snapshot)
        twin.__dict__.update(self.__dict__)
        twin.deadline, twin.by_name = deadline, by_name or self.by_name
        return twin

    def changed(self) -> None:
        """Says that an object of Istio has changed, so that what was derived from them is derived anew."""
        self.revision += 1
        self.memo, self._passing = {}, {}

    def memo_of(self, namespace: str) -> dict[Any, Any]:
        """The memo for results of one namespace; of namespaces that are not in view, those of the last few are kept.

        Anybody may ask for any namespace, by a forged review.
        """
        if namespace in self.namespaces or self.workloads.holds(namespace) or self.config.rules.hosts_in(namespace):
            return self.memo
        if namespace not in self._passing and len(self._passing) >= PASSING:
            self._passing = {}
        return self._passing.setdefault(namespace, {})

    def recount(self, namespace: str) -> None:
        """Says that a workload, a Secret or the namespace has changed, so that its workloads are counted anew."""
        self.revision += 1
        self.tallies.drop(namespace)

    def set_mesh(self, mesh: Mesh) -> None:
        """Takes other mesh-wide settings."""
        self.mesh = mesh
        held, domain = self.config, mesh.cluster_domain
        rules, routes = held.rules.in_domain(domain), held.routes.in_domain(domain)
        self.config = Config(mesh, rules, held.services, routes, held.sidecars)
        self.lasting, self.past = {}, {}
        self.tallies.clear()
        self.changed()

    def put(self, manifest: Manifest) -> None:
        """Reads one object and holds it, in place of an earlier one of that name; kinds without reader are ignored."""
        take_in(self, manifest)

    def remove(self, ref: ObjectRef) -> None:
        """Forgets the object, if it is held."""
        forget(self, ref)

    def held(self, ref: ObjectRef) -> object:
        """What is held of an object of Istio or a Secret, to compare; None or empty when it is not there."""
        config = self.config
        if ref.kind == "DestinationRule":
            return config.rules.get(ref)
        if ref.kind == "VirtualService":
            return config.routes.get(ref)
        if ref.kind == "Sidecar":
            return config.sidecars.get(ref)
        return self.secrets.get((ref.namespace, ref.name)) if ref.kind == "Secret" else config.services.of_object(ref)

    def namespace(self, name: str) -> Namespace:
        """The namespace; one that is not in view has no labels, and says so."""
        return self.namespaces.get(name) or Namespace(name, known=False)

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """Facts of the Secret, None when it is not in view."""
        held = self.secrets.get((namespace, name))
        if held is None and self.by_name is not None and ("Secret", namespace, name) not in self.hidden:
            return self.by_name.secret(namespace, name)
        return held

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """Facts of the ConfigMap, None when it is not in view."""
        held = self.config_maps.get((namespace, name))
        if held is None and self.by_name is not None and ("ConfigMap", namespace, name) not in self.hidden:
            return self.by_name.config_map(namespace, name)
        return held

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why nobody can tell whether the Secret or ConfigMap exists, '' when one that is not in view does not."""
        if not self.complete:
            return "is not in the input"
        held = self.secrets if kind == "Secret" else self.config_maps
        if self.by_name is None or (kind, namespace, name) in self.hidden or (namespace, name) in held:
            return ""
        return self.by_name.unread(kind, namespace, name)

    def injection(self, namespace: str, *, by_itself: bool) -> Hindrance | None:
        """Why mtls-guard does not inject there; None where it does, and where no webhook configurations are in view."""
        if not (self.webhooks_listed or self.injecting):
            return None
        entries = [entry for held in self.injecting.values() for entry in held]
        return hindrance(entries, self.namespace(namespace), by_itself=by_itself)

    def know_webhooks(self, *, listed: bool) -> None:
        """Says whether every webhook configuration of the cluster is in view."""
        if listed != self.webhooks_listed:
            self.webhooks_listed = listed
            self.tallies.clear()
            self.changed()

    def producers(self, kind: str, namespace: str, name: str) -> tuple[Producer, ...]:
        """Objects that say that they will make the Secret or ConfigMap."""
        return self.made.of(kind, self.namespace(namespace), name)

    def producer_may_follow(self, kind: str) -> bool:
        """Whether a kind is served whose objects make Secrets, or ConfigMaps."""
        return self.made.may_follow(kind)

    def reach(self, namespace: str, labels: Mapping[str, str]) -> Reach:
        """What the sidecar of a pod with these labels is told; one answer per namespace and Sidecar is kept."""
        sidecar = self.config.sidecars.choose(namespace, labels, self.mesh)
        key, memo = ("reach", namespace, sidecar.ref if sidecar else None), self.memo_of(namespace)
        known: Reach | None = memo.get(key)
        if known is None:
            known = memo[key] = reach(self.config, namespace, sidecar, self.past.get(key))
            if known.past is not None and memo is self.memo:
                self.past[key] = known.past
        return known

    def forget_past(self, namespace: str) -> None:
        """Says that a namespace or a Sidecar in it has gone, so that nothing is kept for it."""
        for key in [key for key in self.past if key[1] == namespace]:
            del self.past[key]

    def is_told(self, namespace: str, rule: ObjectRef) -> bool:
        """Whether the rule is in force for a pod of this namespace, under its usual Sidecar."""
        memo = self.memo_of(namespace)
        usual: tuple[Sidecar | None] | None = memo.get(("usual", namespace))
        if usual is None:
            usual = memo["usual", namespace] = (self.config.sidecars.choose(namespace, {}, self.mesh),)
        sidecar = usual[0]
        known: Reach | None = memo.get(("reach", namespace, sidecar.ref if sidecar else None))
        if known is not None:
            return bool(known.originations_of(rule))
        return is_told(self.config, namespace, sidecar, rule)

    def copy(self) -> "Snapshot":
        """The same cluster, to be changed without touching this one; shares every parsed object.

        What its rules come to is worked out before, so that every copy only follows its own change.
        """
        shared_layer(self.config)
        twin = Snapshot(complete=self.complete, workload_paths=self.workload_paths)
        twin.istio_namespace = self.istio_namespace
        twin.mesh, twin.lasting, twin.past = self.mesh, self.lasting, dict(self.past)
        held = self.config
        parts = (held.rules.copy(), held.services.copy(), held.routes.copy(), held.sidecars.copy())
        twin.config = Config(self.mesh, *parts)
        twin.workloads, twin.pods, twin.mesh_sources = self.workloads, self.pods, dict(self.mesh_sources)
        twin.injecting, twin.webhooks_listed = self.injecting, self.webhooks_listed
        twin.namespaces, twin.made = dict(self.namespaces), self.made.copy()
        twin.secrets, twin.config_maps = dict(self.secrets), dict(self.config_maps)
        twin.by_name, twin.hidden, twin.deadline = self.by_name, set(self.hidden), self.deadline
        return twin
