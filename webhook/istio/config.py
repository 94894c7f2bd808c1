"""Istio's own objects of a cluster together: what every question about a sidecar is asked of."""

from dataclasses import dataclass

from webhook.istio.routes import RouteIndex
from webhook.istio.rules import RuleIndex
from webhook.istio.services import ServiceIndex
from webhook.istio.sidecars import SidecarIndex
from webhook.model.mesh import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class Config:
    """The mesh's settings and the indexes of its objects."""

    mesh: Mesh
    rules: RuleIndex
    services: ServiceIndex
    routes: RouteIndex
    sidecars: SidecarIndex
