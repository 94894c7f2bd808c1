"""The objects of a cluster in memory, and results that were derived from them. `snapshot` adds the queries."""

from typing import Any

from webhook.istio.injector.workload_index import WorkloadIndex
from webhook.istio.pilot.client_config import IstioConfig, Past
from webhook.istio.pilot.destination_rules import RuleIndex
from webhook.istio.pilot.service_index import ServiceIndex
from webhook.istio.pilot.sidecar_scope import SidecarIndex
from webhook.istio.pilot.virtual_services import RouteIndex
from webhook.kinds.producer import NO_FURTHER, Further
from webhook.kinds.workload import NO_TEMPLATES, Templates
from webhook.model.deadline import UNLIMITED, Deadline
from webhook.model.material import ConfigMapFacts, SecretFacts
from webhook.model.mesh import Mesh, Namespace
from webhook.model.raw_object import Manifest
from webhook.model.webhook_configuration import InjectingEntry
from webhook.view.cluster_view import ByName
from webhook.view.mesh_source import MeshSource
from webhook.view.namespace_cache import Tallies
from webhook.view.producer_index import ProducerIndex


class StoredObjects:
    """Parsed objects with their indexes, and caches of results. A change of an object must invalidate the caches.

    lasting: results that are valid until mesh-wide settings change. memo: results that are valid until any Istio
    object changes. tallies: counts by namespace. past: earlier client configurations, from which new ones are derived.
    deadline: the time limit of the review that uses this view. revision: increases with each change that can affect
    a verdict. by_name: reads Secrets and ConfigMaps that are not stored here. hidden: (kind, namespace, name) of
    objects that must not be requested from `by_name`. injecting: the webhook entries by which mtls-guard injects, by
    name of the configuration. webhooks_listed: every webhook configuration of the cluster is stored.
    """

    def __init__(
        self,
        *,
        complete: bool = True,
        workload_paths: Templates = NO_TEMPLATES,
        istio_namespace: str = "",
        further: Further = NO_FURTHER,
    ) -> None:
        """Starts as an empty cluster.

        workload_paths: additional workload kinds with the path of their pod template. further: additional kinds of
        producers. istio_namespace: the namespace whose ConfigMaps contain mesh-wide settings, '' to derive it from
        the stored ConfigMaps.
        """
        self.complete = complete
        self.workload_paths = workload_paths
        self.mesh = Mesh()
        self.config = IstioConfig(self.mesh, RuleIndex(), ServiceIndex(), RouteIndex(), SidecarIndex())
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

    def changed(self) -> None:
        """Records that an Istio object has changed: results that were derived from Istio objects are discarded."""
        self.revision += 1
        self.memo, self._passing = {}, {}

    def recount(self, namespace: str) -> None:
        """Records that a workload, a Secret or the namespace has changed: counts of its workloads are discarded."""
        self.revision += 1
        self.tallies.drop(namespace)

    def set_mesh(self, mesh: Mesh) -> None:
        """Replaces the mesh-wide settings, and discards everything that was derived from the old ones."""
        self.mesh = mesh
        config, domain = self.config, mesh.cluster_domain
        rules, routes = config.rules.in_domain(domain), config.routes.in_domain(domain)
        self.config = IstioConfig(mesh, rules, config.services, routes, config.sidecars)
        self.lasting, self.past = {}, {}
        self.tallies.clear()
        self.changed()

    def know_webhooks(self, *, listed: bool) -> None:
        """Sets whether every webhook configuration of the cluster is in view."""
        if listed != self.webhooks_listed:
            self.webhooks_listed = listed
            self.tallies.clear()
            self.changed()

    def forget_past(self, namespace: str) -> None:
        """Discards the earlier results of a namespace after the namespace or a Sidecar in it was deleted."""
        for key in [key for key in self.past if key[1] == namespace]:
            del self.past[key]
