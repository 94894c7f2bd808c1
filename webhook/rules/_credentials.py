"""The credentials that rules in force name for a workload by `credentialName`, instead of by files."""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.istio.pilot.destination_rules import selects
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule
from webhook.trace.workload import WorkloadPicture

MODES = ("SIMPLE", "MUTUAL")


@dataclass(frozen=True, slots=True)
class Named:
    """A Secret named by a rule in force. mutual: it has to hold a client certificate and its key."""

    rule: ObjectRef
    secret: str
    mutual: bool


def named_credentials(picture: WorkloadPicture) -> Iterator[Named]:
    """Each Secret of the workload's namespace that a rule in force asks istiod for, once."""
    seen: set[str] = set()
    for rule in _candidates(picture):
        if rule.selector is None or not selects(rule.selector, picture.pod.labels):
            continue
        for origination in picture.reach.originations_of(rule.ref):
            name = origination.tls.credential_name
            if name and origination.tls.mode in MODES and "/" not in name and name not in seen:
                seen.add(name)
                yield Named(rule.ref, name, origination.tls.mode == "MUTUAL")


def _candidates(picture: WorkloadPicture) -> tuple[DestinationRule, ...]:
    """Rules of the namespace with a selector and a credentialName; kept until an object of Istio changes."""
    namespace = picture.workload.namespace
    key = ("credential rules", namespace)
    candidates: tuple[DestinationRule, ...] | None = picture.view.memo_of(namespace).get(key)
    if candidates is None:
        rules = picture.view.config.rules
        in_namespace = (rule for host in rules.hosts_in(namespace) for rule in rules.rivals(namespace, host))
        candidates = picture.view.memo_of(namespace)[key] = tuple(
            rule
            for rule in in_namespace
            if rule.selector is not None and any(tls.credential_name for tls in rule.settings())
        )
    return candidates
