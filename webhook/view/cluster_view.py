"""What the engine may ask of a cluster; whoever answers (a Snapshot, watches of a live cluster) stays behind it."""

from collections.abc import Mapping
from typing import Any, Protocol

from webhook.istio.injector.workload_index import WorkloadIndex
from webhook.istio.pilot.client_config import Config, Reach
from webhook.model.deadline import Deadline
from webhook.model.finding import ObjectRef
from webhook.model.material import ConfigMapFacts, Producer, SecretFacts
from webhook.model.mesh import Mesh, Namespace
from webhook.model.webhook_configuration import Hindrance
from webhook.view.namespace_cache import Tallies


class ByName(Protocol):
    """Secrets and ConfigMaps that are read one by one, by whoever keeps the view of a live cluster."""

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """What is at hand of the Secret; whoever judges learns from elsewhere that it was not at hand."""

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """What is at hand of the ConfigMap."""

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why the object could not be looked at, '' when it was."""


class ClusterView(Protocol):
    """The questions that a verdict may ask. complete: what is not there does not exist; else it is only not in view.

    deadline: the time of the review that asks.
    lasting: results that hold until mesh-wide settings change. memo: until any object of Istio does, too.
    tallies: counts by namespace, see there.
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
    def config(self) -> Config:
        """Istio's own objects: rules, services, routes, Sidecars."""

    @property
    def workloads(self) -> WorkloadIndex:
        """Workloads that exist, without the Pods that a controller made."""

    @property
    def pods(self) -> WorkloadIndex:
        """Pods that a controller made."""

    def namespace(self, name: str) -> Namespace:
        """The namespace; `known=False` when it is not in view."""

    def injection(self, namespace: str, *, by_itself: bool) -> Hindrance | None:
        """Why mtls-guard does not inject there; None where it does, and where no webhook configurations are in view.

        by_itself: the Pods opt in by themselves, else by the label of the namespace.
        """

    def secret(self, namespace: str, name: str) -> SecretFacts | None:
        """Facts of the Secret, None when it is not in view."""

    def config_map(self, namespace: str, name: str) -> ConfigMapFacts | None:
        """Facts of the ConfigMap, None when it is not in view."""

    def unread(self, kind: str, namespace: str, name: str) -> str:
        """Why nobody can tell whether the Secret or ConfigMap exists, '' when one that is not in view does not."""

    def producers(self, kind: str, namespace: str, name: str) -> tuple[Producer, ...]:
        """Objects that say that they will make the Secret or ConfigMap."""

    def producer_may_follow(self, kind: str) -> bool:
        """Whether a kind is served whose objects make Secrets, or ConfigMaps: kind says which."""

    def reach(self, namespace: str, labels: Mapping[str, str]) -> Reach:
        """What the sidecar of a pod with these labels is told in this namespace."""

    def memo_of(self, namespace: str) -> dict[Any, Any]:
        """The part of the memo for results of one namespace."""

    def is_told(self, namespace: str, rule: ObjectRef) -> bool:
        """Whether the rule is in force for a pod of this namespace, under its usual Sidecar."""
