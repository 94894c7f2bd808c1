"""Which of several objects that hold Istio's mesh-wide settings count: those of Istio's own namespace, in any order.

Anybody may create a ConfigMap named `istio` in a namespace of his own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from webhook.kinds.mesh_config import read_config_revisions, read_mesh, read_revisions
from webhook.model.mesh import Mesh
from webhook.model.raw_object import Manifest

if TYPE_CHECKING:
    from webhook.view.snapshot import Snapshot


class MeshSource(NamedTuple):
    """An object that holds settings: a ConfigMap, or a MutatingWebhookConfiguration (which has no namespace)."""

    holds: Literal["mesh", "injector", "webhook"]
    namespace: str
    name: str


def learn(snapshot: "Snapshot", source: MeshSource, manifest: Manifest | None) -> None:
    """Works out the mesh-wide settings again from every source; None when this one has gone."""
    sources = snapshot.mesh_sources
    if manifest is None:
        sources.pop(source, None)
    else:
        sources[source] = manifest
    namespace = istio_namespace(sources, snapshot.istio_namespace)
    mesh = read_mesh(_first(sources, "mesh", namespace), _first(sources, "injector", namespace), Mesh())
    webhooks = [sources[one] for one in sorted(sources) if one.holds == "webhook"]
    revisions, own = read_revisions(webhooks), read_config_revisions(webhooks)
    settings = replace(mesh, revisions=revisions, config_revisions=own) if revisions else mesh
    if settings != snapshot.mesh:
        snapshot.set_mesh(settings)


def istio_namespace(sources: Iterable[MeshSource], configured: str) -> str:
    """The namespace whose ConfigMaps count: the configured one, else `istio-system`, else the first by name."""
    usual = configured or Mesh().root_namespace
    holding = namespaces(sources)
    return usual if configured or usual in holding else min(holding, default=usual)


def namespaces(sources: Iterable[MeshSource]) -> frozenset[str]:
    """The namespaces that hold a ConfigMap with mesh-wide settings."""
    return frozenset(source.namespace for source in sources if source.holds != "webhook")


def _first(sources: Mapping[MeshSource, Manifest], holds: str, namespace: str) -> Manifest | None:
    """The one of the default revision, which has the short name, among those of several revisions."""
    names = sorted(one for one in sources if one.holds == holds and one.namespace == namespace)
    return sources[names[0]] if names else None
