"""The kinds that the view follows, and in what form: whole, or their metadata only, and which of their objects.

Which version of a kind is served is left to `discovery`. Every kind that a rule names in its `reads` is here, but
Secret and ConfigMap, which are read by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.kinds.producer import KINDS
from webhook.kubeapi.resource import Resource
from webhook.model.raw_object import group_of
from webhook.policy import Policy

ISTIO = "networking.istio.io"
Key = tuple[str, str]
"""Group and kind."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A kind to follow. essential: without it no verdict is possible, so that we are not ready before it was listed.

    served: how the core group serves it, which discovery need not tell. labels, fields: selectors.
    """

    group: str
    kind: str
    essential: bool = False
    metadata_only: bool = False
    labels: str = ""
    fields: str = ""
    served: Resource | None = None

    @property
    def key(self) -> Key:
        """Group and kind."""
        return (self.group, self.kind)


@dataclass(frozen=True, slots=True)
class Followed:
    """A wanted kind as it is served now. namespace: '' for all of them."""

    wanted: Wanted
    resource: Resource
    namespace: str = ""

    @property
    def name(self) -> str:
        """What people call it, and what tells it from any other: `destinationrules.networking.istio.io`."""
        if not self.namespace:
            return self.resource.full_name
        return f"{self.resource.plural} {self.namespace}/{self.wanted.fields.rpartition('=')[2]}"


def _core(kind: str, plural: str, *, namespaced: bool = True) -> Resource:
    return Resource("", "v1", plural, kind, namespaced)


_OWNED_BY_DEPLOYMENT = "!pod-template-hash,!rollouts-pod-template-hash"
"""ReplicaSets of Deployments and Rollouts carry these labels; there may be ten times as many as workloads."""
_RUNNING = "status.phase!=Succeeded,status.phase!=Failed"

BUILT_IN: tuple[Wanted, ...] = (
    Wanted("", "Namespace", essential=True, served=_core("Namespace", "namespaces", namespaced=False)),
    Wanted("", "Service", essential=True, served=_core("Service", "services")),
    Wanted(ISTIO, "ServiceEntry", essential=True),
    Wanted(ISTIO, "DestinationRule", essential=True),
    Wanted(ISTIO, "VirtualService", essential=True),
    Wanted(ISTIO, "Sidecar", essential=True),
    Wanted("apps", "Deployment", essential=True),
    Wanted("apps", "StatefulSet", essential=True),
    Wanted("apps", "DaemonSet", essential=True),
    Wanted("batch", "CronJob", essential=True),
    Wanted("batch", "Job", essential=True),
    Wanted("", "Pod", essential=True, metadata_only=True, fields=_RUNNING, served=_core("Pod", "pods")),
    Wanted("apps", "ReplicaSet", labels=_OWNED_BY_DEPLOYMENT),
    Wanted("", "ReplicationController", served=_core("ReplicationController", "replicationcontrollers")),
    Wanted("argoproj.io", "Rollout"),
    *(Wanted(one.group, one.kind) for one in KINDS),
    Wanted("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
)


def wanted(policy: Policy) -> tuple[Wanted, ...]:
    """Every kind to follow, those that the policy adds too."""
    workloads = (Wanted(group_of(one.api_version), one.kind) for one in policy.workloads)
    further = (*workloads, *(Wanted(one.group, one.kind) for one in policy.producers))
    known = {one.key for one in BUILT_IN}
    return (*BUILT_IN, *(one for one in further if one.key not in known))


def named_config_map(namespace: str, name: str) -> Followed:
    """One ConfigMap, followed by name: Istio's own, which hold mesh-wide settings."""
    resource = _core("ConfigMap", "configmaps")
    return Followed(Wanted("", "ConfigMap", fields=f"metadata.name={name}", served=resource), resource, namespace)


def istio_config_maps(namespace: str, revisions: Iterable[str]) -> tuple[Followed, ...]:
    """Istio's ConfigMaps in its namespace: mesh and injector, of the default revision and of these."""
    suffixes = ["", *(f"-{revision}" for revision in sorted(set(revisions)) if revision != "default")]
    names = (f"{base}{suffix}" for suffix in suffixes for base in ("istio", "istio-sidecar-injector"))
    return tuple(named_config_map(namespace, name) for name in names)
