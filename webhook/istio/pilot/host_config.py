"""Decides for one client namespace and host which service counts, and which DestinationRules and tls blocks apply.

All hosts together are in `shared_config` and `client_config`. Behaviour: Istio 1.31, pilot/pkg/model/sidecar.go.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.istio.pilot.client_tls import metadata_files, originations, outcome
from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.destination_rule_merge import Entry
from webhook.istio.pilot.destination_rules import lookup
from webhook.istio.pilot.services import by_name, choose, destined, joined
from webhook.istio.pilot.sidecar_scope import OPEN, Listener, Scope
from webhook.istio.pilot.virtual_services import Caller
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet, Mesh, Service

Filed = tuple[tuple[FileSet, Origination], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """The tls blocks that one entry applies to a host, and those of them that make the sidecar read files."""

    entry: Entry
    originations: tuple[Origination, ...]
    filed: Filed


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One host as one client sees it.

    default: of the entry without selector, for pods that no selector picks. picks: of those with a selector, in order.
    """

    service: Service
    entries: tuple[Entry, ...]
    default: Share | None
    picks: tuple[Share, ...] = ()

    @property
    def shares(self) -> Iterator[Share]:
        """The shares that can apply to some pod."""
        yield from self.picks
        if self.default is not None:
            yield self.default

    @property
    def filed(self) -> Filed:
        """The file sets for pods that no selector picks."""
        return self.default.filed if self.default else ()


def chosen(config: IstioConfig, namespace: str, host: str, scope: Scope | None) -> Service | None:
    """The service that a sidecar knows under a host, trimmed to the ports that its Sidecar lets through, or None."""
    seen = config.services.visible(host, namespace, config.mesh)
    if scope is None:
        return choose(seen, namespace, config.mesh) or _named(config, namespace, host, OPEN)
    result: Service | None = None
    for listener in scope.listeners:
        candidates = by_name(config.services.of_host(host), namespace, config.mesh) if listener.by_name else seen
        passed = (listener.trim(candidate) for candidate in candidates if listener.selects(candidate.namespace, host))
        service = choose([candidate for candidate in passed if candidate is not None], namespace, config.mesh)
        result = result if service is None else joined(result, service)
        named = _named(config, namespace, host, listener)
        result = result if named is None else joined(result, named)
    return result


def _named(config: IstioConfig, namespace: str, host: str, listener: Listener) -> Service | None:
    """The service that is there only because a VirtualService names it."""
    caller, result = Caller(namespace, config.mesh), None
    for route in config.routes.naming(host).values():
        if not config.routes.imported(route, caller) or not config.routes.passes(route, listener):
            continue
        service = destined(config.services.of_host(host), namespace, config.mesh)
        trimmed = listener.trim(service, config.routes.ports(host, route)) if service else None
        result = joined(result, trimmed) if trimmed else result
    return result


def decide(
    config: IstioConfig, namespace: str, host: str, scope: Scope | None, known: Decision | None
) -> Decision | None:
    """The decision of a client namespace for a host, None when no tls block applies there.

    known: an answer for another client, taken over when service and entries are the same.
    """
    service = chosen(config, namespace, host, scope)
    if service is None:
        return None
    entries = lookup(config.rules, config.mesh, namespace, service)
    if known is not None and known.service is service and _same(known.entries, entries):
        return known
    if not any(entry.settings for entry in entries):
        return None
    decision = _of(config.mesh, service, entries)
    return decision if any(share.originations for share in decision.shares) else None


def _same(entries: tuple[Entry, ...], other_entries: tuple[Entry, ...]) -> bool:
    return entries is other_entries or (
        len(entries) == len(other_entries) and all(a is b for a, b in zip(entries, other_entries, strict=True))
    )


def _of(mesh: Mesh, service: Service, entries: tuple[Entry, ...]) -> Decision:
    plain = [entry for entry in entries if entry.rule.selector is None]
    picks = tuple(share(mesh, service, entry) for entry in entries if entry.rule.selector is not None)
    return Decision(service, entries, share(mesh, service, plain[-1]) if plain else None, picks)


def share(mesh: Mesh, service: Service, entry: Entry) -> Share:
    """What an entry brings a service if it is the one that counts."""
    blocks = originations(entry, service)
    metadata, selector = metadata_files(mesh) if mesh.proxy_metadata else None, entry.rule.selector is not None
    settings = {
        id(origination.tls): origination.tls for origination in blocks
    }  # one tls block often holds for many ports and subsets
    files = {
        key: outcome(tls, external=service.external, selector=selector, metadata=metadata).files
        for key, tls in settings.items()
    }
    return Share(
        entry,
        blocks,
        tuple((file_set, origination) for origination in blocks if (file_set := files[id(origination.tls)])),
    )
