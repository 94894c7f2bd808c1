"""The kinds that the view follows, and in what form: whole, or their metadata only, and which of their objects.

Which version of a kind is served is left to `discovery`. Every kind that a rule names in its `reads` is here, but
Secret and ConfigMap, which are read by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.kinds.producer import KINDS
from webhook.kinds.registry import REGISTRY, RegisteredKind, Watch
from webhook.kubeapi.resource import CONFIG_MAPS, Resource, registered
from webhook.model.raw_object import group_of
from webhook.policy import Policy

Key = tuple[str, str]
"""Group and kind."""


@dataclass(frozen=True, slots=True)
class WatchedKind:
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
class WatchTarget:
    """A watched kind in the version that the API server serves. namespace: '' for all of them."""

    watched: WatchedKind
    resource: Resource
    namespace: str = ""

    @property
    def name(self) -> str:
        """What people call it, and what tells it from any other: `destinationrules.networking.istio.io`."""
        if not self.namespace:
            return self.resource.full_name
        return f"{self.resource.plural} {self.namespace}/{self.watched.fields.rpartition('=')[2]}"


def _wanted(entry: RegisteredKind, watch: Watch) -> WatchedKind:
    """A kind of the registry; how the core group serves one is not asked of discovery."""
    served = None if entry.group else registered(entry.kind)
    return WatchedKind(
        entry.group, entry.kind, watch.essential, watch.metadata_only, watch.labels, watch.fields, served=served
    )


BUILT_IN: tuple[WatchedKind, ...] = (
    *(_wanted(entry, entry.watch) for entry in REGISTRY if entry.watch is not None),
    *(WatchedKind(one.group, one.kind) for one in KINDS),
)


def watched_kinds(policy: Policy) -> tuple[WatchedKind, ...]:
    """Every kind to follow, those that the policy adds too."""
    workloads = (WatchedKind(group_of(one.api_version), one.kind) for one in policy.workloads)
    further = (*workloads, *(WatchedKind(one.group, one.kind) for one in policy.producers))
    known = {one.key for one in BUILT_IN}
    return (*BUILT_IN, *(one for one in further if one.key not in known))


def named_config_map(namespace: str, name: str) -> WatchTarget:
    """One ConfigMap, followed by name: Istio's own, which hold mesh-wide settings."""
    watched = WatchedKind("", "ConfigMap", fields=f"metadata.name={name}", served=CONFIG_MAPS)
    return WatchTarget(watched, CONFIG_MAPS, namespace)


def istio_config_maps(namespace: str, revisions: Iterable[str]) -> tuple[WatchTarget, ...]:
    """Istio's ConfigMaps in its namespace: mesh and injector, of the default revision and of these."""
    suffixes = ["", *(f"-{revision}" for revision in sorted(set(revisions)) if revision != "default")]
    names = (f"{base}{suffix}" for suffix in suffixes for base in ("istio", "istio-sidecar-injector"))
    return tuple(named_config_map(namespace, name) for name in names)
