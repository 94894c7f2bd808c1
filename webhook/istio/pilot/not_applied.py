"""Explains why a DestinationRule with file paths does not apply to a client, in the order of istiod's decisions.

Which tls blocks do apply is decided in `host_config`.
"""

from collections.abc import Mapping
from dataclasses import replace

from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.destination_rule_merge import Entry, export_set, is_private, merge
from webhook.istio.pilot.destination_rules import lookup, pick, reaches, selects
from webhook.istio.pilot.host_config import chosen, share
from webhook.istio.pilot.services import served
from webhook.istio.pilot.sidecar_scope import Scope, scope_of
from webhook.model.chain import Miss
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule, Mesh, Service, Sidecar

_NEAREST = (
    "no-tls",
    "merged-away",
    "merged-into-selection",
    "selector-mismatch",
    "shadowed",
    "search-ended",
    "not-exported",
    "foreign-namespace",
    "outside-egress",
    "service-not-exported",
    "no-service",
)
"""Causes, the closest to applying first; of several hosts of a wildcard, the first cause of this list is reported."""


def explain_miss(
    config: IstioConfig, namespace: str, sidecar: Sidecar | None, labels: Mapping[str, str], rule: DestinationRule
) -> Miss | None:
    """Why no pod with these labels in this client namespace reads the rule's files; None when it reads some."""
    config = replace(config, rules=config.rules.in_domain(config.mesh.cluster_domain))
    host = config.rules.host(rule)
    if not served(rule.labels, config.mesh):
        revision = rule.labels.get("istio.io/rev", "")
        return Miss(rule, "other-revision", f'label istio.io/rev "{revision}" names no known revision', None, host)
    hosts = sorted(config.services.hosts(host))
    if not hosts:
        return Miss(rule, "no-service", f'no Service and no ServiceEntry has the host "{host}"', None, host)
    explainer = _Asked(config, namespace, scope_of(sidecar, namespace), labels, rule)
    missed = []
    for name in hosts:
        miss = explainer.why(name)
        if miss is None:
            return None
        missed.append(miss)
    return min(missed, key=lambda miss: _NEAREST.index(miss.cause))


class _Asked:
    """One question: a rule, and the client for which it might be in force."""

    def __init__(
        self, config: IstioConfig, namespace: str, scope: Scope | None, labels: Mapping[str, str], rule: DestinationRule
    ) -> None:
        self.config, self.namespace, self.scope, self.labels, self.rule = config, namespace, scope, labels, rule

    def why(self, host: str) -> Miss | None:
        """Why the DestinationRule does not apply to one host; None when it does."""
        service = chosen(self.config, self.namespace, host, self.scope)
        if service is None:
            return self._unseen(host)
        if service.external_name or not any(port.protocol != "UDP" for port in service.ports):
            return self._without_cluster(service)
        entries = lookup(self.config.rules, self.config.mesh, self.namespace, service)
        picked = pick(entries, self.namespace, self.labels)
        if picked is not None and _holds(picked, self.rule):
            return self._in_picked(service, picked)
        if not _reads(self.config.mesh, service, merge((self.rule,))[0], self.rule):
            return self._miss(
                "no-tls", "none of its tls blocks makes a sidecar read files on a port of the service", host
            )
        containing = next((entry for entry in entries if _holds(entry, self.rule)), None)
        return self._beside(containing, picked, host) if containing else self._elsewhere(service, entries, picked)

    def _miss(self, cause: str, detail: str, host: str, by: ObjectRef | None = None) -> Miss:
        return Miss(self.rule, cause, detail, by, host)

    def _unseen(self, host: str) -> Miss:
        services = self.config.services
        if self.scope and services.visible(host, self.namespace, self.config.mesh):
            by = self.scope.sidecar.ref
            return self._miss("outside-egress", f'egress hosts of {by} leave out "{host}"', host, by)
        oldest = services.of_host(host)[0]
        return self._miss("service-not-exported", f"{oldest.ref} is not exported to {self.namespace}", host, oldest.ref)

    def _without_cluster(self, service: Service) -> Miss:
        kind = f'of type ExternalName for "{service.external_name}"' if service.external_name else "without a TCP port"
        return self._miss("no-service", f"{service.ref} is {kind}, so no rule holds for it", service.host, service.ref)

    def _in_picked(self, service: Service, picked: Entry) -> Miss | None:
        if _reads(self.config.mesh, service, picked, self.rule):
            return None
        if picked.rule.ref != self.rule.ref and _reads(self.config.mesh, service, merge((self.rule,))[0], self.rule):
            return self._merged_away(picked, service.host)
        detail = "none of its tls blocks makes a sidecar read files on a port of the service"
        return self._miss("no-tls", detail, service.host)

    def _merged_away(self, entry: Entry, host: str) -> Miss:
        detail = f"{entry.rule.ref} for the same host comes first, and its trafficPolicy counts whole"
        return self._miss("merged-away", detail, host, entry.rule.ref)

    def _beside(self, entry: Entry, picked: Entry | None, host: str) -> Miss:
        """The rule is found, but its entry is not the one for this pod."""
        if entry.rule.selector is not None and not selects(entry.rule.selector, self.labels):
            if entry.rule.ref != self.rule.ref:
                detail = f"{entry.rule.ref} has the same exportTo, takes it in, and selects other workloads"
                return self._miss("merged-into-selection", detail, host, entry.rule.ref)
            return self._miss("selector-mismatch", "its workloadSelector does not pick the pod's labels", host)
        return self._shadowed(picked, host)

    def _shadowed(self, picked: Entry | None, host: str) -> Miss:
        by = picked.rule.ref if picked else None
        detail = f"{by} counts instead" if by else "rules that the search meets first end it, and none picks the pod"
        return self._miss("shadowed", detail, host, by)

    def _elsewhere(self, service: Service, entries: tuple[Entry, ...], picked: Entry | None) -> Miss:
        """The search ended before the rule, or cannot come to it."""
        home, root = self.rule.ref.namespace, self.config.mesh.root_namespace
        if home not in (self.namespace, service.namespace, root):
            detail = f"{home} is neither the client's namespace, nor the service's ({service.namespace}), nor {root}"
            return self._miss("foreign-namespace", detail, service.host)
        if not self._offered(home):
            return self._miss("not-exported", f"it is not exported to {self.namespace}", service.host)
        if picked is None and entries:
            by = entries[0].rule.ref
            detail = f"{by} comes first, ends the search, and selects other workloads"
            return self._miss("search-ended", detail, service.host, by)
        return self._shadowed(picked, service.host)

    def _offered(self, home: str) -> bool:
        export = export_set(self.rule)
        if home == self.namespace:
            return not export or not export.isdisjoint(("*", ".", home))
        return not is_private(self.rule, self.config.mesh) and reaches(export, self.namespace)


def _holds(entry: Entry, rule: DestinationRule) -> bool:
    return any(member.ref == rule.ref for member in entry.members)


def _reads(mesh: Mesh, service: Service, entry: Entry, rule: DestinationRule) -> bool:
    """Whether a tls block of this rule, as it stands in the entry, makes a sidecar read files."""
    return any(origination.rule.ref == rule.ref for _, origination in share(mesh, service, entry).filed)
