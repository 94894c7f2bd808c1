"""Istio's own objects of a cluster together: what every question about a sidecar is asked of."""

from dataclasses import dataclass

from webhook.istio.pilot.destination_rules import RuleIndex
from webhook.istio.pilot.service_index import ServiceIndex
from webhook.istio.pilot.sidecar_scope import SidecarIndex
from webhook.istio.pilot.virtual_services import RouteIndex
from webhook.model.mesh import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class IstioConfig:
    """The mesh's settings and the indexes of its objects."""

    mesh: Mesh
    rules: RuleIndex
    services: ServiceIndex
    routes: RouteIndex
    sidecars: SidecarIndex
