"""The TLS configuration that istiod sends to the sidecars of one client namespace, with or without a Sidecar resource.

Other packages ask about DestinationRules here. One host is decided in `host_config`, what namespaces share is in
`shared_config`, and why a DestinationRule does not apply is explained in `not_applied`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from webhook.istio.injector.paths import normal
from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.cow_map import CopyOnWriteMap
from webhook.istio.pilot.destination_rules import selects
from webhook.istio.pilot.host_config import Decision, Share, chosen, decide
from webhook.istio.pilot.hosts import is_wildcard
from webhook.istio.pilot.not_applied import explain_miss
from webhook.istio.pilot.route_resolution import Call, http_calls, tls_calls
from webhook.istio.pilot.shared_config import Groups, Layer, State, by_directory, expand, overlaid, shared_layer
from webhook.istio.pilot.sidecar_filter import scoped
from webhook.istio.pilot.sidecar_scope import Scope, scope_of
from webhook.istio.pilot.virtual_services import Caller
from webhook.model.chain import Origination
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule, FileSet, Service, Sidecar

__all__ = ["ClientConfig", "IstioConfig", "Past", "explain_miss", "is_told", "reach", "shared_layer", "told_of"]

_MOST_GROUPS = 64
"""Combinations of selected DestinationRules, by the labels of pods, whose results are cached."""
Own = Mapping[str, Decision | None]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """The hosts whose decision differed for a namespace, and the state of that time; lets a later call reuse them."""

    state: State
    own: Own


class ClientConfig:
    """What istiod sends to sidecars of one namespace and Sidecar, valid for the state of the config it was made from.

    derived: results that other modules derive from it, by keys of their own, and cache here.
    """

    def __init__(self, config: IstioConfig, client: tuple[str, Scope | None], layer: Layer, own: Own) -> None:
        """Use `reach`. layer: what this namespace shares with others; own: the hosts that it sees otherwise."""
        self._config, self._layer, self._own = config, layer, own
        self.namespace, self._scope = client
        self._picky = tuple(one for host in sorted(own) if (one := own[host]) is not None and one.picks)
        self._groups: dict[tuple[int, ...], Groups] = {}
        self._below: CopyOnWriteMap[str, FileSet, None] | None = None
        self.derived: dict[Any, Any] = {}
        self.past = None if self._scope is not None else Past(State.of(config), own)

    def groups(self, labels: Mapping[str, str]) -> Groups:
        """The file sets that apply to a pod with these labels, each with the originations that read it."""
        return self._kept(tuple(_picked(decision, labels) for decision in self._picky))

    def under(self, directory: str) -> tuple[FileSet, ...]:
        """The file sets that apply to some pod of the namespace and have a path at or below the directory."""
        if self._below is None:
            self._below = by_directory(dict.fromkeys(files for share in self._own_shares() for files, _ in share.filed))
        path = normal(directory)
        own_sets, default = self._below.at(path), self._kept((-1,) * len(self._picky))
        shared = (files for files in self._layer.below.at(path) if files in default)
        return tuple(dict.fromkeys((*shared, *own_sets)))

    def originations_of(self, ref: ObjectRef) -> tuple[Origination, ...]:
        """The tls blocks of a DestinationRule that apply to some pod of the namespace, also those that read no file."""
        rule = self._config.rules.get(ref)
        if rule is None:
            return ()
        hosts = _hosts_of(self._config, rule)
        shares = (share for host in hosts if (one := self.decision(host)) for share in one.shares)
        return tuple(one for share in shares for one in share.originations if _is(one.rule, ref))

    def selected(self, labels: Mapping[str, str]) -> tuple[FileSet, ...]:
        """The file sets of rules whose workloadSelector picks these labels."""
        picked = (decision.picks[index] for decision in self._picky if (index := _picked(decision, labels)) >= 0)
        return tuple(dict.fromkeys(files for share in picked for files, _ in share.filed))

    def service(self, host: str) -> Service | None:
        """The service that these sidecars know under a host, with the ports that their Sidecar lets through."""
        return chosen(self._config, self.namespace, host, self._scope)

    def http_calls(self, host: str) -> tuple[Call, ...]:
        """Where plain http calls to each port of a host end."""
        return http_calls(self._config.routes, self._caller(), host, self.service)

    def tls_calls(self, host: str) -> tuple[Call, ...]:
        """Where https calls to each port of a host end; a tls block that applies there wraps their TLS in TLS."""
        return tls_calls(self._config.routes, self._caller(), host, self.service)

    def decision(self, host: str) -> Decision | None:
        """The decision for one host, None where no tls block applies."""
        return self._own[host] if host in self._own else self._layer.decisions.get(host)

    def _kept(self, key: tuple[int, ...]) -> Groups:
        groups = self._groups.get(key)
        if groups is None:
            if len(self._groups) >= _MOST_GROUPS:
                self._groups = {}
            groups = self._groups[key] = self._made(key)
        return groups

    def _made(self, key: tuple[int, ...]) -> Groups:
        groups = self._layer.groups
        if self._own:
            before = {host: shared.filed for host in self._own if (shared := self._layer.decisions.get(host))}
            groups = overlaid(
                groups, before, {host: decision.filed for host, decision in self._own.items() if decision}
            )
        picked = [
            (decision, decision.picks[index]) for decision, index in zip(self._picky, key, strict=True) if index >= 0
        ]
        if not picked:
            return groups
        before = {decision.service.host: decision.filed for decision, _ in picked}
        return overlaid(groups, before, {decision.service.host: share.filed for decision, share in picked})

    def _own_shares(self) -> Iterable[Share]:
        return (share for decision in self._own.values() if decision for share in decision.shares)

    def _caller(self) -> Caller:
        return Caller(self.namespace, self._config.mesh, self._scope)


def is_told(config: IstioConfig, namespace: str, sidecar: Sidecar | None, ref: ObjectRef) -> bool:
    """Whether any tls block of the DestinationRule applies to this client; cheaper than `originations_of`."""
    config = _in_domain(config)
    rule = config.rules.get(ref)
    if rule is None:
        return False
    host = config.rules.host(rule)
    hosts = config.services.hosts(host) if is_wildcard(host) else (host,)
    return any(
        (origination.rule.ref.namespace, origination.rule.ref.name) == (ref.namespace, ref.name)
        for matching_host in hosts
        for origination in told_of(config, namespace, sidecar, matching_host)
    )


def told_of(config: IstioConfig, namespace: str, sidecar: Sidecar | None, host: str) -> tuple[Origination, ...]:
    """The tls blocks that apply to some pod of the client for one host, without computing the other hosts."""
    config = _in_domain(config)
    shared = shared_layer(config).decisions.get(host)
    decision = decide(config, namespace, host, scope_of(sidecar, namespace), shared)
    return tuple(origination for share in decision.shares for origination in share.originations) if decision else ()


def _in_domain(config: IstioConfig) -> IstioConfig:
    """The config with short hosts completed by the mesh's own cluster domain."""
    domain = config.mesh.cluster_domain
    rules, routes = config.rules.in_domain(domain), config.routes.in_domain(domain)
    if rules is config.rules and routes is config.routes:
        return config
    return replace(config, rules=rules, routes=routes)


def reach(config: IstioConfig, namespace: str, sidecar: Sidecar | None, past: Past | None = None) -> ClientConfig:
    """What the sidecars of one client namespace with this Sidecar resource, or none, are told.

    past: of an earlier answer for both, where there was one.
    """
    config = _in_domain(config)
    layer, scope = shared_layer(config), scope_of(sidecar, namespace)
    patterns = {*config.rules.hosts_in(namespace), *(host for _, host in config.rules.granted(namespace))}
    hosts = {*expand(config, patterns, layer.decisions), *config.services.peculiar(namespace, config.mesh)}
    if scope is not None:
        decisions = scoped(config, (namespace, scope), layer, hosts.union(config.services.shared()))
        return ClientConfig(config, (namespace, scope), Layer(), {host: decisions[host] for host in sorted(decisions)})
    earlier, own = _kept(config, past), {}
    for host in sorted(hosts):
        shared = layer.decisions.get(host)
        same = earlier is not None and host not in earlier[0]
        decision = earlier[1].get(host, shared) if earlier and same else decide(config, namespace, host, None, shared)
        if decision is not shared:
            own[host] = decision
    return ClientConfig(config, (namespace, None), layer, own)


def _kept(config: IstioConfig, past: Past | None) -> tuple[frozenset[str], Own] | None:
    """What was decided before, with the hosts for which it may not hold any more; None when it may for any."""
    touched = past.state.touched(State.of(config)) if past is not None else None
    if past is None or touched is None or any(map(is_wildcard, touched)):
        return None
    return touched, past.own


def _hosts_of(config: IstioConfig, rule: DestinationRule) -> Iterable[str]:
    host = config.rules.host(rule)
    return sorted(config.services.hosts(host)) if is_wildcard(host) else (host,)


def _is(rule: DestinationRule, ref: ObjectRef) -> bool:
    return (rule.ref.namespace, rule.ref.name) == (ref.namespace, ref.name)


def _picked(decision: Decision, labels: Mapping[str, str]) -> int:
    """Which of the decision's picks is for these labels, -1 for none."""
    for index, share in enumerate(decision.picks):
        if selects(share.entry.rule.selector or {}, labels):
            return index
    return -1


def _share(decision: Decision, index: int) -> Share | None:
    return decision.picks[index] if index >= 0 else decision.default
