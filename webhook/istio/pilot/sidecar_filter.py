"""What a Sidecar resource leaves of the decisions that its namespace would have without it.

Which hosts are seen otherwise by a namespace anyway is left to `reach`, one host to `decide`.
"""

from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.host_config import Decision, decide
from webhook.istio.pilot.shared_config import Layer
from webhook.istio.pilot.sidecar_scope import Scope


def scoped(config: IstioConfig, client: tuple[str, Scope], layer: Layer, peculiar: set[str]) -> dict[str, Decision]:
    """What a Sidecar leaves; a host with one service keeps its decision, or loses it unless a route names it."""
    namespace, scope = client
    decisions: dict[str, Decision] = {}
    trims = scope.trims
    for host, shared in layer.decisions.items():
        if trims or host in peculiar or len(config.services.of_host(host)) > 1:
            peculiar.add(host)
        elif scope.selects(shared.service):
            decisions[host] = shared
        elif any(
            config.routes.passes(route, one) for route in config.routes.naming(host).values() for one in scope.listeners
        ):
            peculiar.add(host)
    for host in peculiar:
        decision = decide(config, namespace, host, scope, layer.decisions.get(host))
        if decision is not None:
            decisions[host] = decision
    return decisions
