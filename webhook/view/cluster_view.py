"""The queries about a cluster that the engine uses; `Snapshot` implements them, also for a live cluster."""

from collections.abc import Mapping
from typing import Any, Protocol

from webhook.istio.injector.workload_index import WorkloadIndex
from webhook.istio.pilot.client_config import ClientConfig, IstioConfig
from webhook.model.deadline import Deadline
from webhook.model.finding import ObjectRef
from webhook.model.material import ConfigMapFacts, Producer, SecretFacts
from webhook.model.mesh import Mesh, Namespace
from webhook.model.webhook_configuration import Hindrance
from webhook.view.namespace_cache import Tallies


class ByName(Protocol):
    """Reads single Secrets and ConfigMaps of a live cluster on demand."""

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """Facts of the Secret, None if they are not available; the implementation reports missing facts separately."""

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """Facts of the ConfigMap, None if they are not available."""

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why the object could not be read, '' if it was read."""


class ClusterView(Protocol):
    """The queries that a verdict can make.

    complete: an object that is not in view does not exist in the cluster; if False, it may exist.
    deadline: the time limit of the review.
    lasting: results that are valid until mesh-wide settings change. memo: results that are valid until mesh-wide
    settings or any Istio object change. tallies: counts by namespace, see `Tallies`.
    """

    complete: bool
    deadline: Deadline
    lasting: dict[Any, Any]
    memo: dict[Any, Any]
    tallies: Tallies

    @property
    def mesh(self) -> Mesh:
        """Mesh-wide settings."""

    @property
    def config(self) -> IstioConfig:
        """Istio's objects: DestinationRules, services (with ServiceEntries), VirtualServices and Sidecars."""

    @property
    def workloads(self) -> WorkloadIndex:
        """Workloads, except Pods that a controller created."""

    @property
    def pods(self) -> WorkloadIndex:
        """Pods that a controller created."""

    def namespace(self, name: str) -> Namespace:
        """The namespace; `known=False` when it is not in view."""

    def injection(self, namespace: str, *, by_itself: bool) -> Hindrance | None:
        """Why mtls-guard does not inject; None if it does, or if no webhook configurations are in view.

        by_itself: the Pods opt in with their own label, not with the label of the namespace.
        """

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """Facts of the Secret, None when it is not in view."""

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """Facts of the ConfigMap, None when it is not in view."""

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why it is unknown whether the Secret or ConfigMap exists; '' if one that is not in view does not exist."""

    def producers(self, kind: str, namespace: str, name: str) -> tuple[Producer, ...]:
        """Objects that declare that they create the Secret or ConfigMap, for example a Certificate of cert-manager."""

    def producer_may_follow(self, kind: str) -> bool:
        """Whether the API server serves a kind whose objects create objects of this kind (Secret or ConfigMap)."""

    def reach(self, namespace: str, labels: Mapping[str, str]) -> ClientConfig:
        """The client configuration that istiod sends to the sidecar of a Pod with these labels in this namespace."""

    def memo_of(self, namespace: str) -> dict[Any, Any]:
        """The part of the memo for results of one namespace."""

    def is_told(self, namespace: str, rule: ObjectRef) -> bool:
        """Whether the DestinationRule applies to Pods that use the default Sidecar of the namespace."""
