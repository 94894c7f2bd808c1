"""Answers queries about a cluster from parsed objects in memory."""

from collections.abc import Mapping
from typing import Any

from webhook.istio.pilot.client_config import ClientConfig, IstioConfig, is_told, reach, shared_layer
from webhook.model.deadline import Deadline
from webhook.model.finding import ObjectRef
from webhook.model.material import ConfigMapFacts, Producer, SecretFacts
from webhook.model.mesh import Namespace, Sidecar
from webhook.model.raw_object import Manifest
from webhook.model.webhook_configuration import Hindrance
from webhook.view.cluster_view import ByName
from webhook.view.injection_scope import hindrance
from webhook.view.loader import put_object, remove_object
from webhook.view.stored_objects import StoredObjects

PASSING = 16
"""Number of namespaces outside the view for which results are cached."""


class Snapshot(StoredObjects):
    """Answers the questions of `ClusterView` from objects in memory. Not safe for concurrent writers."""

    def within(self, deadline: Deadline, by_name: ByName | None = None) -> "Snapshot":
        """The same cluster for one review with its deadline. by_name: reads Secrets and ConfigMaps for this review."""
        twin = object.__new__(Snapshot)
        twin.__dict__.update(self.__dict__)
        twin.deadline, twin.by_name = deadline, by_name or self.by_name
        return twin

    def memo_of(self, namespace: str) -> dict[Any, Any]:
        """The cache for results of one namespace.

        Namespaces that are not in view share a small separate cache, since a forged review can name any namespace.
        """
        if namespace in self.namespaces or self.workloads.holds(namespace) or self.config.rules.hosts_in(namespace):
            return self.memo
        if namespace not in self._passing and len(self._passing) >= PASSING:
            self._passing = {}
        return self._passing.setdefault(namespace, {})

    def put(self, manifest: Manifest) -> None:
        """Parses one object and stores it in place of an earlier version. Kinds without a reader are ignored."""
        put_object(self, manifest)

    def remove(self, ref: ObjectRef) -> None:
        """Removes the object if it is stored."""
        remove_object(self, ref)

    def held(self, ref: ObjectRef) -> object:
        """The parsed form of an Istio object or Secret, for comparison; None or empty if it is not stored."""
        config = self.config
        if ref.kind == "DestinationRule":
            return config.rules.get(ref)
        if ref.kind == "VirtualService":
            return config.routes.get(ref)
        if ref.kind == "Sidecar":
            return config.sidecars.get(ref)
        return self.secrets.get((ref.namespace, ref.name)) if ref.kind == "Secret" else config.services.of_object(ref)

    def namespace(self, name: str) -> Namespace:
        """The namespace; one that is not in view has no labels and `known=False`."""
        return self.namespaces.get(name) or Namespace(name, known=False)

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """Facts of the Secret, None when it is not in view."""
        facts = self.secrets.get((namespace, name))
        if facts is None and self.by_name is not None and ("Secret", namespace, name) not in self.hidden:
            return self.by_name.secret(namespace, name)
        return facts

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """Facts of the ConfigMap, None when it is not in view."""
        facts = self.config_maps.get((namespace, name))
        if facts is None and self.by_name is not None and ("ConfigMap", namespace, name) not in self.hidden:
            return self.by_name.config_map(namespace, name)
        return facts

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why it is unknown whether the Secret or ConfigMap exists; '' if one that is not in view does not exist."""
        if not self.complete:
            return "is not in the input"
        stored = self.secrets if kind == "Secret" else self.config_maps
        if self.by_name is None or (kind, namespace, name) in self.hidden or (namespace, name) in stored:
            return ""
        return self.by_name.unread(kind, namespace, name)

    def injection(self, namespace: str, *, by_itself: bool) -> Hindrance | None:
        """Why mtls-guard does not inject; None if it does, or if no webhook configurations are in view."""
        if not (self.webhooks_listed or self.injecting):
            return None
        entries = [entry for configuration in self.injecting.values() for entry in configuration]
        return hindrance(entries, self.namespace(namespace), by_itself=by_itself)

    def producers(self, kind: str, namespace: str, name: str) -> tuple[Producer, ...]:
        """Objects that declare that they create the Secret or ConfigMap."""
        return self.made.of(kind, self.namespace(namespace), name)

    def producer_may_follow(self, kind: str) -> bool:
        """Whether the API server serves a kind whose objects create objects of this kind (Secret or ConfigMap)."""
        return self.made.may_follow(kind)

    def reach(self, namespace: str, labels: Mapping[str, str]) -> ClientConfig:
        """The client configuration for a sidecar of a Pod with these labels; cached per namespace and Sidecar."""
        sidecar = self.config.sidecars.choose(namespace, labels, self.mesh)
        key, memo = ("reach", namespace, sidecar.ref if sidecar else None), self.memo_of(namespace)
        client_config: ClientConfig | None = memo.get(key)
        if client_config is None:
            client_config = memo[key] = reach(self.config, namespace, sidecar, self.past.get(key))
            if client_config.past is not None and memo is self.memo:
                self.past[key] = client_config.past
        return client_config

    def is_told(self, namespace: str, rule: ObjectRef) -> bool:
        """Whether the DestinationRule applies to Pods that use the default Sidecar of the namespace."""
        memo = self.memo_of(namespace)
        default: tuple[Sidecar | None] | None = memo.get(("usual", namespace))
        if default is None:
            default = memo["usual", namespace] = (self.config.sidecars.choose(namespace, {}, self.mesh),)
        sidecar = default[0]
        client_config: ClientConfig | None = memo.get(("reach", namespace, sidecar.ref if sidecar else None))
        if client_config is not None:
            return bool(client_config.originations_of(rule))
        return is_told(self.config, namespace, sidecar, rule)

    def copy(self) -> "Snapshot":
        """An independent copy that shares the parsed objects.

        The part of the Istio configuration that all sidecars share is derived before copying, so that each copy
        derives only the effect of its change.
        """
        shared_layer(self.config)
        twin = Snapshot(complete=self.complete, workload_paths=self.workload_paths)
        twin.istio_namespace = self.istio_namespace
        twin.mesh, twin.lasting, twin.past = self.mesh, self.lasting, dict(self.past)
        config = self.config
        parts = (config.rules.copy(), config.services.copy(), config.routes.copy(), config.sidecars.copy())
        twin.config = IstioConfig(self.mesh, *parts)
        twin.workloads, twin.pods, twin.mesh_sources = self.workloads, self.pods, dict(self.mesh_sources)
        twin.injecting, twin.webhooks_listed = self.injecting, self.webhooks_listed
        twin.namespaces, twin.made = dict(self.namespaces), self.made.copy()
        twin.secrets, twin.config_maps = dict(self.secrets), dict(self.config_maps)
        twin.by_name, twin.hidden, twin.deadline = self.by_name, set(self.hidden), self.deadline
        return twin
