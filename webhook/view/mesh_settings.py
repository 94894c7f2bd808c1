"""Derives the mesh-wide settings from the ConfigMaps and webhook configurations that contain them.

Only ConfigMaps in Istio's own namespace are used, since every user can create a ConfigMap named `istio` in their own
namespace. The result does not depend on the order in which objects are stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from webhook.kinds.mesh_config import read_config_revisions, read_mesh, read_revisions
from webhook.model.mesh import Mesh
from webhook.model.raw_object import Manifest
from webhook.view.mesh_source import MeshSource
from webhook.view.stored_objects import StoredObjects


def store_mesh_source(objects: StoredObjects, source: MeshSource, manifest: Manifest | None) -> None:
    """Stores a source, or removes it when `manifest` is None, and derives the mesh-wide settings again."""
    sources = objects.mesh_sources
    if manifest is None:
        sources.pop(source, None)
    else:
        sources[source] = manifest
    namespace = istio_namespace(sources, objects.istio_namespace)
    mesh = read_mesh(_first(sources, "mesh", namespace), _first(sources, "injector", namespace), Mesh())
    webhooks = [sources[name] for name in sorted(sources) if name.holds == "webhook"]
    revisions, config_revisions = read_revisions(webhooks), read_config_revisions(webhooks)
    settings = replace(mesh, revisions=revisions, config_revisions=config_revisions) if revisions else mesh
    if settings != objects.mesh:
        objects.set_mesh(settings)


def istio_namespace(sources: Iterable[MeshSource], configured: str) -> str:
    """The namespace whose ConfigMaps are used: the configured one, else `istio-system`, else the first by name."""
    usual = configured or Mesh().root_namespace
    holding = namespaces(sources)
    return usual if configured or usual in holding else min(holding, default=usual)


def namespaces(sources: Iterable[MeshSource]) -> frozenset[str]:
    """The namespaces that hold a ConfigMap with mesh-wide settings."""
    return frozenset(source.namespace for source in sources if source.holds != "webhook")


def _first(sources: Mapping[MeshSource, Manifest], holds: str, namespace: str) -> Manifest | None:
    """The ConfigMap of the default revision (it has the shortest name), None if the namespace has no such ConfigMap."""
    names = sorted(source for source in sources if source.holds == holds and source.namespace == namespace)
    return sources[names[0]] if names else None
