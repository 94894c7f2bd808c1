"""The DestinationRules that a workload means with a mount or an annotation, and why each of them does not apply."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from webhook.istio.pilot.client_config import explain_miss
from webhook.istio.pilot.destination_rule_merge import export_set, is_private
from webhook.istio.pilot.destination_rules import reaches
from webhook.model.chain import Miss
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule
from webhook.trace.context import WorkloadContext
from webhook.trace.destination import about_client
from webhook.trace.mount_candidates import MountCandidate

LOOKED_AT = 20
"""How many DestinationRules are explained for one unexplained mount; a cluster may have thousands of them."""


def misses(context: WorkloadContext, candidates: Iterable[MountCandidate]) -> tuple[Miss, ...]:
    """The DestinationRules that unexplained mounts and declared hosts mean, each once; none without a sidecar."""
    meant: dict[ObjectRef, tuple[DestinationRule, bool]] = {}
    for rule, evident in _meant(context, candidates) if context.has_sidecar else ():
        meant[rule.ref] = (rule, evident or meant.get(rule.ref, (rule, False))[1])
    if not meant:
        return ()
    explained = zip(explain(context, [rule for rule, _ in meant.values()]), meant.values(), strict=True)
    return tuple(replace(miss, evident=evident) for miss, (_, evident) in explained if miss is not None)


def explain(context: WorkloadContext, rules: Iterable[DestinationRule]) -> Iterator[Miss | None]:
    """Why each of these DestinationRules does not apply to the workload; None for each that applies."""
    config, namespace, labels = context.view.config, context.workload.namespace, context.pod.labels
    sidecar = config.sidecars.choose(namespace, labels, context.view.mesh)
    return (explain_miss(config, namespace, sidecar, labels, rule) for rule in rules)


def _meant(context: WorkloadContext, candidates: Iterable[MountCandidate]) -> Iterator[tuple[DestinationRule, bool]]:
    """DestinationRules that a mount or a declared host means, each with whether that is evident."""
    for candidate in candidates:
        if candidate.credential or candidate.empty:
            yield from islice(_mentioning(context, candidate), LOOKED_AT)
        named = (rule for name in candidate.secrets for rule in _naming(context).get(("credential", name), ()))
        yield from ((rule, True) for rule in islice(named, LOOKED_AT) if candidate.belongs_to(rule))
    served = {user.service.host for users in context.groups.values() for user in users}
    for host in (name for name in context.declaration.destinations if name not in served):
        declared = islice(_naming(context).get(("host", host), ()), LOOKED_AT)
        yield from ((rule, True) for rule in declared if is_offered(context, rule))


def _mentioning(context: WorkloadContext, candidate: MountCandidate) -> Iterator[tuple[DestinationRule, bool]]:
    """DestinationRules that refer to files below the mount.

    A private DestinationRule of another namespace is not disclosed to the author of a request, who may have no right to
    read it. A report on the existing state includes it if a Secret is named after its host.
    """
    for rule in context.view.config.rules.mentioning(candidate.mount.mount_path):
        if is_offered(context, rule):
            evident = candidate.points_at(rule)
            if evident or rule.ref.namespace == context.workload.namespace:
                yield rule, evident
        elif not context.occasion.request and candidate.belongs_to(rule):
            yield rule, False


def is_offered(context: WorkloadContext, rule: DestinationRule) -> bool:
    """Whether the DestinationRule is of the workload's namespace, or is exported to it."""
    namespace = context.workload.namespace
    if rule.ref.namespace == namespace:
        return True
    return not is_private(rule, context.view.mesh) and reaches(export_set(rule), namespace)


def own_may_follow(context: WorkloadContext, ref: ObjectRef) -> bool:
    """Whether the release may still create a DestinationRule in the workload's namespace, which would be meant then."""
    return not context.occasion.final and ref.namespace != context.workload.namespace


def _naming(context: WorkloadContext) -> Mapping[tuple[str, str], tuple[DestinationRule, ...]]:
    """DestinationRules about client certificates by credential name and by host; computed once per view."""
    key = "rules by credential and host"
    by_name: Mapping[tuple[str, str], tuple[DestinationRule, ...]] | None = context.view.memo.get(key)
    if by_name is None:
        grouped: dict[tuple[str, str], dict[ObjectRef, DestinationRule]] = {}
        rules = context.view.config.rules
        for rule in sorted(
            (candidate for candidate in rules if any(map(about_client, candidate.settings()))),
            key=lambda candidate: candidate.ref,
        ):
            for name in (("host", rules.host(rule)), *(("credential", tls.credential_name) for tls in rule.settings())):
                grouped.setdefault(name, {})[rule.ref] = rule
        by_name = context.view.memo[key] = {name: tuple(same_name.values()) for name, same_name in grouped.items()}
    return by_name
