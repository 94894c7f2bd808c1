"""Whether what a DestinationRule does depends on its age, and nobody can tell the age: files hold no timestamps."""

from collections.abc import Iterator

from webhook.istio.pilot.client_tls import originations
from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.destination_rule_merge import merge, orders
from webhook.istio.pilot.destination_rules import pick
from webhook.model.mesh import DestinationRule, Service, TlsSettings

Told = tuple[int, str, TlsSettings]


def rival_of_unknown_age(config: IstioConfig, rule: DestinationRule) -> DestinationRule | None:
    """Another rule of the same namespace and host that may come first, with another outcome; None if there is none."""
    host = config.rules.host(rule)
    if rule.created or (rule.ref.namespace, host) not in config.rules.undated():
        return None
    rivals, services = config.rules.rivals(rule.ref.namespace, host), tuple(_services(config, host))
    outcomes = [_told(rule, order, services) for order in (rivals, *orders(rivals))]
    if all(outcome == outcomes[0] for outcome in outcomes):
        return None
    return next(rival for rival in rivals if rival.ref != rule.ref)


def _services(config: IstioConfig, host: str) -> Iterator[Service]:
    for service_host in sorted(config.services.hosts(host)):
        yield from config.services.of_host(service_host)


def _told(rule: DestinationRule, order: tuple[DestinationRule, ...], services: tuple[Service, ...]) -> list[Told]:
    """What the rules tell a sidecar of their own namespace if this is their order, whoever's words it is."""
    entry = pick(merge(order), rule.ref.namespace, rule.selector or {})
    tls_origins = (
        origination for service in services for origination in (originations(entry, service) if entry else ())
    )
    return [(origination.port.number, origination.subset, origination.tls) for origination in tls_origins]
