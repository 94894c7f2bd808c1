"""The registry of kinds: everything that depends on which kinds of objects mtls-guard reads is derived from this table.

Watches, RBAC, resources and conditions of the chart, selectors, labels of metrics and the names on the command line.
A further kind takes an entry here and a reader in `webhook/view/loader.py`. Producers of Secrets and ConfigMaps have a
registry of their own, `producer`. Sources: the API reference of Kubernetes 1.37, Istio's and Argo Rollouts' CRDs;
creators: kubernetes/pkg/controller and argo-rollouts 1.8, where each sets ownerReferences.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GroupKind = tuple[str, str]
"""API group and kind."""

ISTIO_GROUP = "networking.istio.io"
_TEMPLATE = ("spec", "template")


@dataclass(frozen=True, slots=True)
class Watch:
    """How an informer lists and watches a kind. labels, fields: selectors.

    essential: without it no object can be judged, so that a replica is not ready before the first list.
    """

    essential: bool = True
    metadata_only: bool = False
    labels: str = ""
    fields: str = ""


@dataclass(frozen=True, slots=True)
class RegisteredKind:
    """A kind of objects. plural: as in RBAC. version: the one that the chart names; discovery tells the served one.

    template: the path of the pod template, () for a Pod, None for a kind that makes no Pods.
    creators: the controllers whose template is judged in place of the objects that they create of this kind.
    legacy_groups: further API groups that manifests may name. short: names of `kubectl api-resources`.
    watch: None where objects are only read by name.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    template: tuple[str, ...] | None = None
    creators: tuple[GroupKind, ...] = ()
    legacy_groups: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    watch: Watch | None = Watch()
    restarts: bool = False
    """Whether `kubectl rollout restart` knows the kind."""

    @property
    def group_kind(self) -> GroupKind:
        """API group and kind."""
        return (self.group, self.kind)

    @property
    def api_version(self) -> str:
        """`apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def groups(self) -> frozenset[str]:
        """Every API group that a manifest of the kind may name."""
        return frozenset((self.group, *self.legacy_groups))


def _workload(group: str, kind: str, *, short: str = "", restarts: bool = False, **more: object) -> RegisteredKind:
    """A controller of Kubernetes whose pod template is at `spec.template`."""
    more.setdefault("template", _TEMPLATE)
    legacy = ("extensions",) if group == "apps" else ()
    names = (short,) if short else ()
    return RegisteredKind(
        group,
        "v1",
        kind,
        f"{kind.lower()}s",
        legacy_groups=legacy,
        short=names,
        restarts=restarts,
        **more,  # type: ignore[arg-type]
    )


REGISTRY: tuple[RegisteredKind, ...] = (
    RegisteredKind("", "v1", "Namespace", "namespaces", namespaced=False, short=("ns",)),
    RegisteredKind("", "v1", "Service", "services", short=("svc",)),
    RegisteredKind(ISTIO_GROUP, "v1", "DestinationRule", "destinationrules", short=("dr",)),
    RegisteredKind(ISTIO_GROUP, "v1", "ServiceEntry", "serviceentries", short=("se",)),
    RegisteredKind(ISTIO_GROUP, "v1", "VirtualService", "virtualservices", short=("vs",)),
    RegisteredKind(ISTIO_GROUP, "v1", "Sidecar", "sidecars"),
    _workload("apps", "Deployment", short="deploy", restarts=True),
    _workload("apps", "StatefulSet", short="sts", restarts=True),
    _workload("apps", "DaemonSet", short="ds", restarts=True),
    _workload(
        "apps",
        "ReplicaSet",
        short="rs",
        creators=(("apps", "Deployment"), ("argoproj.io", "Rollout")),
        # Those of Deployments and Rollouts have these labels; there may be ten times as many as workloads.
        watch=Watch(essential=False, labels="!pod-template-hash,!rollouts-pod-template-hash"),
    ),
    _workload("", "ReplicationController", short="rc", watch=Watch(essential=False)),
    _workload("batch", "Job", creators=(("batch", "CronJob"),)),
    _workload("batch", "CronJob", short="cj", template=("spec", "jobTemplate", *_TEMPLATE)),
    RegisteredKind(
        "argoproj.io",
        "v1alpha1",
        "Rollout",
        "rollouts",
        template=_TEMPLATE,
        short=("ro",),
        watch=Watch(essential=False),
    ),
    RegisteredKind(
        "",
        "v1",
        "Pod",
        "pods",
        template=(),
        creators=(
            ("apps", "ReplicaSet"),
            ("apps", "StatefulSet"),
            ("apps", "DaemonSet"),
            ("batch", "Job"),
            ("", "ReplicationController"),
        ),
        short=("po",),
        watch=Watch(metadata_only=True, fields="status.phase!=Succeeded,status.phase!=Failed"),
    ),
    RegisteredKind(
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        namespaced=False,
        watch=Watch(essential=False),
    ),
    RegisteredKind("", "v1", "Secret", "secrets", watch=None),
    RegisteredKind("", "v1", "ConfigMap", "configmaps", short=("cm",), watch=None),
)

BY_KIND: Mapping[str, RegisteredKind] = {entry.kind: entry for entry in REGISTRY}
"""Every kind by its name, which no two of them share."""

WORKLOAD_KINDS: Mapping[str, RegisteredKind] = {entry.kind: entry for entry in REGISTRY if entry.template is not None}
"""The kinds whose objects have a pod template, or are a Pod."""

ISTIO_KINDS: tuple[str, ...] = tuple(entry.kind for entry in REGISTRY if entry.group == ISTIO_GROUP)
"""The kinds of Istio's networking API that are read."""

ROUTING_KINDS: tuple[str, ...] = (*ISTIO_KINDS, "Service")
"""The kinds that decide where the calls of a workload go, and with which TLS settings."""

MATERIAL_KINDS: tuple[str, ...] = ("Secret", "ConfigMap")
"""The kinds that hold certificates and private keys; objects are read by name."""

SHARED_KINDS: tuple[str, ...] = (*ISTIO_KINDS, "Secret")
"""The kinds other than workloads that are judged: a change to one may break workloads."""
