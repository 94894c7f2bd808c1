"""The decisions for all hosts that every client namespace shares, recomputed only for the hosts that changed.

One host is decided in `host_config`; the hosts that differ for one namespace are in `client_config`.
"""

from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from webhook.istio.injector.paths import lineage
from webhook.istio.pilot.change_log import Change
from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.cow_map import CopyOnWriteMap
from webhook.istio.pilot.host_config import Decision, Filed, decide
from webhook.istio.pilot.hosts import is_wildcard, matches
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet, Mesh

Groups = Mapping[FileSet, tuple[Origination, ...]]
STRANGER = ""
"""A client namespace that owns nothing and to which nothing is exported by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Decisions by host, and their originations by file set, in the order of the hosts.

    below: file sets by each directory above one of their files, and by the files themselves.
    """

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    groups: Groups = field(default_factory=dict)
    below: CopyOnWriteMap[str, FileSet, None] = field(default_factory=CopyOnWriteMap)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The states of what an answer was derived from."""

    mesh: Mesh
    rules: Change
    services: Change
    routes: Change

    @classmethod
    def of(cls, config: IstioConfig) -> "State":
        """The state of everything as it is now."""
        return cls(config.mesh, config.rules.at, config.services.at, config.routes.at)

    def holds(self, config: IstioConfig) -> bool:
        """Whether nothing has changed since."""
        return (
            self.rules is config.rules.at
            and self.services is config.services.at
            and self.routes is config.routes.at
            and self.mesh is config.mesh
        )

    def touched(self, current: "State") -> frozenset[str] | None:
        """The host patterns that have changed since; None if the change log no longer contains them."""
        pairs = ((current.rules, self.rules), (current.services, self.services), (current.routes, self.routes))
        changes = [later.since(earlier) for later, earlier in pairs] if current.mesh is self.mesh else [None]
        recorded = [hosts for hosts in changes if hosts is not None]
        return frozenset().union(*recorded) if len(recorded) == len(changes) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """A layer with the state that it was derived from."""

    state: State
    layer: Layer


def shared_layer(config: IstioConfig) -> Layer:
    """The layer of a client namespace without objects of its own; cached, and recomputed only for changed hosts."""
    cached = config.rules.derived
    if isinstance(cached, _Shared) and cached.state.holds(config):
        return cached.layer
    current = State.of(config)
    touched = cached.state.touched(current) if isinstance(cached, _Shared) else None
    if isinstance(cached, _Shared) and touched is not None:
        hosts = expanded(config, touched, cached.layer.decisions)
        layer = changed(cached.layer, {host: _decision(config, host) for host in hosts})
    else:
        every = expand(config, config.rules.tls_hosts(), {})
        decisions = {host: decision for host in every if (decision := _decision(config, host)) is not None}
        groups = grouped(decisions)
        layer = Layer(decisions, groups, by_directory(groups))
    config.rules.derived = _Shared(current, layer)
    return layer


def _decision(config: IstioConfig, host: str) -> Decision | None:
    return decide(config, STRANGER, host, None, None)


def expanded(config: IstioConfig, touched: Iterable[str], decisions: Mapping[str, Decision]) -> set[str]:
    """The hosts to decide again after these patterns have changed."""
    hosts = set(touched)
    for pattern in touched:
        hosts.update(covered(config, pattern, decisions) if is_wildcard(pattern) else ())
    return hosts


def covered(config: IstioConfig, pattern: str, decisions: Mapping[str, Decision]) -> Iterable[str]:
    """Hosts whose decision may change when a DestinationRule with that host changes, given the present decisions."""
    decided = [host for host in decisions if matches(pattern, host)]
    return {*decided, *config.services.hosts(pattern)} if config.rules.has_tls(pattern) else decided


def expand(config: IstioConfig, patterns: Iterable[str], decisions: Mapping[str, Decision]) -> set[str]:
    """The hosts of services that the patterns cover; wildcards of rules without tls only where tls is in force."""
    hosts: set[str] = set()
    for pattern in patterns:
        if is_wildcard(pattern):
            hosts.update(covered(config, pattern, decisions))
        elif pattern in config.services:
            hosts.add(pattern)
    return hosts


def grouped(decisions: Mapping[str, Decision]) -> dict[FileSet, tuple[Origination, ...]]:
    """The originations of the decisions by file set."""
    groups: dict[FileSet, list[Origination]] = {}
    for host in sorted(decisions):
        for files, origination in decisions[host].filed:
            groups.setdefault(files, []).append(origination)
    return {files: tuple(group) for files, group in groups.items()}


def changed(layer: Layer, changes: Mapping[str, Decision | None]) -> Layer:
    """The layer with other decisions for some hosts, None for none."""
    decisions = dict(layer.decisions)
    for host, decision in changes.items():
        decisions.pop(host, None)
        if decision is not None:
            decisions[host] = decision
    before = {host: earlier.filed for host in changes if (earlier := layer.decisions.get(host))}
    after = {host: decision.filed for host, decision in changes.items() if decision}
    groups = overlaid(layer.groups, before, after)
    return Layer(decisions, groups, _refiled(layer, groups, (*before.values(), *after.values())))


def _refiled(layer: Layer, groups: Groups, touched: Iterable[Filed]) -> CopyOnWriteMap[str, FileSet, None]:
    """The file sets by directory once the layer has these groups instead. touched: where they may differ."""
    below = layer.below.copy()
    for files in {files for part in touched for files, _ in part}:
        if files not in groups:
            for directory in directories(files):
                below.drop(directory, files)
        elif files not in layer.groups:
            for directory in directories(files):
                below.put(directory, files, None)
    return below


def overlaid(groups: Groups, before: Mapping[str, Filed], after: Mapping[str, Filed]) -> Groups:
    """The groups, each sorted by host, with what some hosts had taken away and what they have now put in its place."""
    lists: dict[FileSet, list[Origination]] = {}
    for host, part in before.items():
        for files in {files for files, _ in part}:
            group = lists.setdefault(files, list(groups.get(files, ())))
            del group[bisect_left(group, host, key=_host) : bisect_right(group, host, key=_host)]
    for part in after.values():
        for files, origination in part:
            insort_right(lists.setdefault(files, list(groups.get(files, ()))), origination, key=_host)
    result = dict(groups)
    for files, group in lists.items():
        if group:
            result[files] = tuple(group)
        else:
            result.pop(files, None)
    return result


def _host(origination: Origination) -> str:
    return origination.service.host


def by_directory(sets: Iterable[FileSet]) -> CopyOnWriteMap[str, FileSet, None]:
    """File sets by each directory above one of their files, and by the files themselves."""
    by_path: CopyOnWriteMap[str, FileSet, None] = CopyOnWriteMap()
    for files in sets:
        for directory in directories(files):
            by_path.put(directory, files, None)
    return by_path


def directories(files: FileSet) -> set[str]:
    """The files of a set and every directory above one of them."""
    return {directory for _, path in files.items() for directory in lineage(path)}
