"""DestinationRules by namespace and host, and the lookup: which of them count for a client namespace and a service.

Merging is in `destination_rule_merge`, the effect of a tls block in `client_tls`. Behaviour: Istio 1.31,
pilot/pkg/model/push_context.go and sidecar.go.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from webhook.istio.injector.paths import lineage, normal
from webhook.istio.pilot.change_log import Change
from webhook.istio.pilot.cow_map import CopyOnWriteMap
from webhook.istio.pilot.destination_rule_merge import Entry, Merged, merged_at, rank
from webhook.istio.pilot.hosts import covering, is_wildcard, resolve
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule, Mesh, Service

_Key = tuple[str, str]
_Place = tuple[str, str]
V = TypeVar("V")


class RuleIndex:
    """DestinationRules by namespace and host. at: the state, to ask what changed since.

    derived: what `shared` derived from this index and others, so that a copy starts from it and not from nothing.
    """

    def __init__(self, cluster_domain: str = "cluster.local") -> None:
        """An index without rules. cluster_domain: completes short hosts."""
        self.cluster_domain = cluster_domain
        self._rules: dict[_Key, DestinationRule] = {}
        self._hosts: CopyOnWriteMap[str, str, tuple[DestinationRule, ...]] = CopyOnWriteMap()
        self._wild: CopyOnWriteMap[str, str, None] = CopyOnWriteMap()
        self._tls: CopyOnWriteMap[str, str, None] = CopyOnWriteMap()
        self._granted: CopyOnWriteMap[str, _Place, None] = CopyOnWriteMap()
        self._paths: CopyOnWriteMap[str, _Key, DestinationRule] = CopyOnWriteMap()
        self._below: CopyOnWriteMap[str, str, None] = CopyOnWriteMap()
        self._merged: dict[_Place, tuple[Mesh, Merged]] = {}
        self.at = Change()
        self.derived: object = None
        self._twin: tuple[Change, RuleIndex] | None = None
        self._undated: dict[_Place, None] = {}

    def __eq__(self, other: object) -> bool:
        """Two indexes are equal when they hold the same rules."""
        return isinstance(other, RuleIndex) and self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, rule: DestinationRule) -> None:
        """Adds the rule, or replaces the one of the same name."""
        self.remove(rule.ref)
        key = _key(rule.ref)
        self._rules[key] = rule
        host = self.host(rule)
        same_host = self._hosts.at(rule.ref.namespace).get(host, ())
        self._set(rule.ref.namespace, host, tuple(sorted((*same_host, rule), key=rank)))
        for path in _paths(rule):
            for directory in lineage(path) if path not in self._paths else ():
                self._below.put(directory, path, None)
            self._paths.put(path, key, rule)

    def remove(self, ref: ObjectRef) -> None:
        """Forgets the rule; nothing happens when it is not there."""
        key = _key(ref)
        rule = self._rules.pop(key, None)
        if rule is None:
            return
        host = self.host(rule)
        same_host = self._hosts.at(ref.namespace)[host]
        self._set(ref.namespace, host, tuple(remaining for remaining in same_host if remaining is not rule))
        for path in _paths(rule):
            self._paths.drop(path, key)
            for directory in lineage(path) if path not in self._paths else ():
                self._below.drop(directory, path)

    def copy(self) -> "RuleIndex":
        """The same rules, to be changed without touching this index; shares everything unchanged."""
        twin = RuleIndex(self.cluster_domain)
        twin._rules, twin._merged, twin._undated = dict(self._rules), dict(self._merged), dict(self._undated)
        twin._hosts, twin._wild, twin._tls = self._hosts.copy(), self._wild.copy(), self._tls.copy()
        twin._granted, twin._paths, twin._below = self._granted.copy(), self._paths.copy(), self._below.copy()
        twin.at, twin.derived = self.at, self.derived
        return twin

    def in_domain(self, cluster_domain: str) -> "RuleIndex":
        """This index, or one of the same rules whose short hosts end in another cluster domain."""
        if cluster_domain == self.cluster_domain:
            return self
        if self._twin is None or self._twin[0] is not self.at or self._twin[1].cluster_domain != cluster_domain:
            twin = RuleIndex(cluster_domain)
            for rule in self._rules.values():
                twin.put(rule)
            self._twin = (self.at, twin)
        return self._twin[1]

    def __iter__(self) -> Iterator[DestinationRule]:
        """Every rule."""
        return iter(self._rules.values())

    def get(self, ref: ObjectRef) -> DestinationRule | None:
        """The rule of that namespace and name, of whatever apiVersion."""
        return self._rules.get(_key(ref))

    def host(self, rule: DestinationRule) -> str:
        """The full host that the rule means."""
        return resolve(rule.host, rule.ref.namespace, self.cluster_domain)

    def rivals(self, namespace: str, host: str) -> tuple[DestinationRule, ...]:
        """The rules of one namespace for exactly this host, in the order in which they are merged."""
        return self._hosts.at(namespace).get(host, ())

    def undated(self) -> Iterable[_Place]:
        """(namespace, host) where several rules have no timestamp, so that nobody can tell which is the oldest."""
        return self._undated

    def hosts_in(self, namespace: str) -> Iterable[str]:
        """The hosts for which the namespace has rules."""
        return self._hosts.at(namespace)

    def granted(self, namespace: str) -> Iterable[_Place]:
        """(namespace, host) of the rules that are exported to this namespace by name."""
        return self._granted.at(namespace)

    def tls_hosts(self) -> Iterable[str]:
        """The hosts for which any rule has a tls block."""
        return self._tls

    def has_tls(self, host: str) -> bool:
        """Whether any rule for exactly this host has a tls block."""
        return host in self._tls

    def with_tls(self, host: str) -> Iterable[DestinationRule]:
        """The rules of every namespace for exactly this host, of namespaces where any of them has a tls block."""
        return (rule for namespace in self._tls.at(host) for rule in self.rivals(namespace, host))

    def mentioning(self, directory: str) -> tuple[DestinationRule, ...]:
        """The rules that mention a path at or below the directory, in whatever mode, in force or not."""
        mentioned = {
            key: rule for path in self._below.at(normal(directory)) for key, rule in self._paths.at(path).items()
        }
        return tuple(mentioned[key] for key in sorted(mentioned))

    def first(self, step: str, namespace: str, host: str, mesh: Mesh) -> tuple[Entry, ...]:
        """The entries of the one host key of a namespace that counts for a service's host.

        step: `local`, `exported` or `private`, as in `Merged`. A key without entries of that step does not count.
        """
        by_host = self._hosts.at(namespace)
        if not by_host:
            return ()
        if host in by_host and (entries := self._entries(step, namespace, host, mesh)):
            return entries
        wild = self._wild.at(namespace)
        for pattern in covering(host, wild):
            if entries := self._entries(step, namespace, pattern, mesh):
                return entries
        return ()

    def _entries(self, step: str, namespace: str, host: str, mesh: Mesh) -> tuple[Entry, ...]:
        place = (namespace, host)
        cached = self._merged.get(place)
        if cached is None or cached[0] is not mesh:
            cached = self._merged[place] = (mesh, merged_at(self.rivals(namespace, host), mesh))
        merged = cached[1]
        return merged.local if step == "local" else merged.exported if step == "exported" else merged.private

    def _set(self, namespace: str, host: str, rules: tuple[DestinationRule, ...]) -> None:
        place = (namespace, host)
        for name in _names(self.rivals(namespace, host)):
            self._granted.drop(name, place)
        for name in _names(rules):
            self._granted.put(name, place, None)
        _keep(self._hosts, namespace, host, rules, there=bool(rules))
        if is_wildcard(host):
            _keep(self._wild, namespace, host, None, there=bool(rules))
        _keep(self._tls, host, namespace, None, there=any(rule.settings() for rule in rules))
        self._merged.pop(place, None)
        self._undated.pop(place, None)
        if sum(not rule.created for rule in rules) > 1:
            self._undated[place] = None
        self.at = self.at.then(host)

    def _content(self) -> tuple[object, ...]:
        indexes = (self._hosts, self._wild, self._tls, self._granted, self._paths, self._below)
        return (self.cluster_domain, self._rules, *indexes)


def lookup(rules: RuleIndex, mesh: Mesh, namespace: str, service: Service) -> tuple[Entry, ...]:
    """The entries that sidecars of a namespace find for a service: of their own namespace, its, or the root's.

    The first step with a match ends the search, even if no entry then picks the pod (istio#57719).
    """
    root = mesh.root_namespace
    step = "private" if namespace == root else "local"
    if matching := rules.first(step, namespace, service.host, mesh):
        return matching
    for owner in (service.namespace, root):
        entries = rules.first("exported", owner, service.host, mesh)
        if matching := tuple(entry for entry in entries if reaches(entry.export, namespace)):
            return matching
    return ()


def reaches(export: frozenset[str], namespace: str) -> bool:
    """Whether an exported entry is exported to this client namespace."""
    return not export or "*" in export or namespace in export


def pick(entries: tuple[Entry, ...], namespace: str, labels: Mapping[str, str]) -> Entry | None:
    """The entry for one pod: the first whose selector picks it, else the last without a selector."""
    default = None
    for entry in entries:
        if entry.rule.selector is None:
            default = entry
        elif entry.rule.ref.namespace == namespace and selects(entry.rule.selector, labels):
            return entry
    return default


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether every label of the selector stands on the pod; an empty selector picks every pod."""
    return all(labels.get(key) == value for key, value in selector.items())


def _keep(index: CopyOnWriteMap[str, str, V], outer: str, inner: str, value: V, *, there: bool) -> None:
    if there:
        index.put(outer, inner, value)
    else:
        index.drop(outer, inner)


def _key(ref: ObjectRef) -> _Key:
    return (ref.namespace, ref.name)


def _names(rules: Iterable[DestinationRule]) -> set[str]:
    """Namespaces to which at least one of the rules is exported by name."""
    return {name for rule in rules if rule.selector is None for name in rule.export_to if name not in ("*", ".", "~")}


def _paths(rule: DestinationRule) -> set[str]:
    return {normal(path) for tls in rule.settings() for _, path in tls.files.items()}
