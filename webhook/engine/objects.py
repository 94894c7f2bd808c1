"""Judges existing objects: one workload, one DestinationRule, or everything in view."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial as later

from webhook.engine.partial_verdict import partial
from webhook.engine.runner import Hit, hits, weigh
from webhook.engine.unrelated_files import workload_hits
from webhook.kinds.opt_in_annotations import INJECT, PREFIX
from webhook.model.chain import Intent
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.mesh import DestinationRule, FileSet
from webhook.model.occasion import STATE, Occasion
from webhook.model.workload import Mount, Workload
from webhook.policy import Policy
from webhook.rules import about, catalogue
from webhook.rules._producers import at_producer
from webhook.trace.audience import AudiencePicture
from webhook.trace.destination import DestinationPicture, Stage
from webhook.trace.injected_workload import picture_as_injected
from webhook.trace.injection_request import opts_in
from webhook.trace.not_applied import own_may_follow
from webhook.trace.pod_owner import origin
from webhook.trace.prepared_workloads import owners
from webhook.trace.workload import WorkloadPicture
from webhook.view import ClusterView

NOT_APPLIED = "injection-not-applied"
TEMPLATE_MISSING = "template-missing"
PLAIN_CALLS = frozenset({"https-port-unused", "port-without-tls", "subset-not-routed"})
"""Rules about plain-text calls by applications; they do not concern gateways."""


def judge_state(view: ClusterView, policy: Policy, at: datetime) -> Iterator[Verdict]:
    """One verdict for each workload, then each Pod that a controller created, then each DestinationRule."""
    return (judge() for judge in judgements(view, policy, at))


def judgements(view: ClusterView, policy: Policy, at: datetime) -> list[Callable[[], Verdict]]:
    """The verdicts of `judge_state` as functions that can be called in any order and in any process."""
    return [
        *(later(judge_workload, workload, view, policy, at) for workload in view.workloads.all()),
        *(later(judge_created_pod, pod, view, policy, at) for pod in view.pods.all()),
        *(later(judge_rule, rule, view, policy, at) for rule in view.config.rules),
    ]


def judge_workload(
    workload: Workload, view: ClusterView, policy: Policy, at: datetime, occasion: Occasion = STATE
) -> Verdict:
    """Every fault that affects the workload, also in objects of other owners. occasion: describes the request."""
    if workload.template_elsewhere:  # a Rollout with workloadRef: the template's own workload is judged
        return Verdict(workload.ref)
    if workload.template_missing:
        return Verdict(workload.ref, (_without_template(workload),))
    return judge_picture(picture_of(workload, view, policy, at, occasion), policy)


def judge_created_pod(
    pod: Workload, view: ClusterView, policy: Policy, at: datetime, occasion: Occasion = STATE
) -> Verdict:
    """Judges a Pod that a controller created only for missing injection; its template is judged with the workload.

    For an existing Pod the rule `pod-outdated` reports it on the workload, if the workload can be identified and opts
    in itself.
    """
    if pod.ref.kind != "Pod" or not _may_opt_in(pod, view):
        return Verdict(pod.ref)
    stored = origin(view, pod) if not occasion.request else None
    if stored is not None and _is_pod_of(stored, pod) and opts_in(WorkloadPicture(stored, view, _horizon(policy, at))):
        return Verdict(pod.ref)
    picture = picture_of(pod, view, policy, at, occasion)
    pod_hits = hits((catalogue()[NOT_APPLIED],), picture, pod.ref, view.deadline) if picture.addition.lacking else ()
    return Verdict(pod.ref, weigh(pod_hits, policy, pod.namespace) if pod_hits else (), picture.goal)


def _is_pod_of(workload: Workload, pod: Workload) -> bool:
    """Whether the Pod belongs to the workload; False for a Job that a person created from a CronJob."""
    return (workload.ref.kind, workload.ref.name) in owners(pod)


def _may_opt_in(pod: Workload, view: ClusterView) -> bool:
    declared = any(name.startswith(PREFIX) for name in pod.template.annotations)
    return declared or view.namespace(pod.namespace).labels.get(INJECT) == "true"


def _without_template(workload: Workload) -> Finding:
    """The finding that the path in the policy does not exist in this object."""
    problem = f'has no pod template at "{workload.template.path}", where the policy says that it is: nothing was judged'
    fix = "correct `template` of this kind in `workloads` of the policy"
    return Finding(TEMPLATE_MISSING, Severity.WARN, workload.ref, "", problem, fix)


def judge_picture(
    picture: WorkloadPicture, policy: Policy, stage: Stage | None = None, used: Collection[ObjectRef] | None = None
) -> Verdict:
    """As `judge_workload`, for an existing picture. stage: of the DestinationRules that the workload uses.

    used: the DestinationRules that are at that stage, None for all; others are treated as `Stage.ARRIVING`.
    """
    workload = picture.workload
    if stage is None:
        stage = Stage.AWAITING if picture.occasion.request else Stage.MEANT
    if workload.template_elsewhere:
        return Verdict(workload.ref)
    own_hits = (replace(hit, violation=at_producer(picture.view, hit.violation)) for hit in workload_hits(picture))
    all_hits = [*own_hits, *concerned(picture, stage, used)]
    verdict = Verdict(workload.ref, weigh(all_hits, policy, workload.namespace) if all_hits else (), picture.goal)
    return partial(verdict, picture.left_out)


def picture_of(
    workload: Workload, view: ClusterView, policy: Policy, at: datetime, occasion: Occasion = STATE
) -> WorkloadPicture:
    """The picture of the workload as its Pods will be after injection by mtls-guard."""
    if occasion.missing_secret is not policy.missing_secret:
        occasion = replace(occasion, missing_secret=policy.missing_secret)
    return picture_as_injected(workload, view, _horizon(policy, at), occasion)


def judge_rule(
    rule: DestinationRule, view: ClusterView, policy: Policy, at: datetime, stage: Stage = Stage.STANDING
) -> Verdict:
    """Every fault of the DestinationRule itself and in its relation to its client workloads."""
    horizon = _horizon(policy, at)
    rule_hits, picture = own_faults(rule, view, horizon, stage), AudiencePicture(rule, view, horizon, stage)
    if any(hit.rule.id in PLAIN_CALLS for hit in rule_hits) and picture.held_by_gateways:
        rule_hits = _routed_only(rule_hits)
    rule_hits = (*rule_hits, *hits(about("audience"), picture, rule.ref, view.deadline))
    verdict = Verdict(rule.ref, weigh(rule_hits, policy, rule.ref.namespace) if rule_hits else (), rule.host)
    return partial(verdict, picture.left_out)


def _horizon(policy: Policy, at: datetime) -> Horizon:
    return Horizon(at, policy.expiry.warn, policy.expiry.deny)


def concerned(picture: WorkloadPicture, stage: Stage, used: Collection[ObjectRef] | None = None) -> Iterator[Hit]:
    """The faults of DestinationRules that the workload uses or is intended to use. used: see `judge_picture`.

    A fault only warns if the DestinationRule is in another namespace and the mount of its files is explained by a
    DestinationRule without faults, since it is unknown whether the workload calls that host. It also only warns during
    a release, when the workload's DestinationRule may still be created.
    """
    faults = {files: _faults_of(picture, files, stage, used) for files in picture.intents}
    sound = {files for files, by_rule in faults.items() if not all(map(_denying, by_rule.values()))}
    explained = {mount.mount_path for files in sound for mount in _mounts(picture, files)}
    for files, by_rule in faults.items():
        spare = picture.intents[files] is Intent.EVIDENT and (
            files in sound or _covered(_mounts(picture, files), explained) or picture.awaits(files)
        )
        for ref, faults_of_rule in by_rule.items():
            doubtful = own_may_follow(picture, ref) or (spare and ref.namespace != picture.workload.namespace)
            counting = _routed_only(faults_of_rule) if picture.injection.gateway else faults_of_rule
            yield from map(_in_doubt, counting) if doubtful else counting
    for miss in picture.misses:
        faults_of_rule = own_faults(miss.rule, picture.view, picture.horizon, stage) if miss.evident else ()
        yield from map(_in_doubt, faults_of_rule) if own_may_follow(picture, miss.rule.ref) else faults_of_rule


def _faults_of(
    picture: WorkloadPicture, files: FileSet, stage: Stage, used: Collection[ObjectRef] | None
) -> Mapping[ObjectRef, tuple[Hit, ...]]:
    """The faults of the DestinationRules that refer to these files; cached with the client configuration."""
    refs = () if used is None else (user.rule.ref for user in picture.groups[files])
    arriving = frozenset(ref for ref in refs if ref not in (used or ()))
    derived, key = picture.reach.derived, ("faults", id(picture.groups), files, stage, arriving)
    groups, cached_faults = derived.get(key, (None, {}))
    if groups is not picture.groups:  # the cache keeps a reference, so that the id is not reused
        rules = {user.rule.ref: user.rule for user in picture.groups[files]}
        stages = ((rule, Stage.ARRIVING if ref in arriving else stage) for ref, rule in rules.items())
        cached_faults = {rule.ref: own_faults(rule, picture.view, picture.horizon, its) for rule, its in stages}
        derived[key] = (picture.groups, cached_faults)
    return dict(cached_faults)


def _mounts(picture: WorkloadPicture, files: FileSet) -> tuple[Mount, ...]:
    supply = picture.provided_files.get(files)
    return supply.mounts if supply is not None and supply.complete else ()


def _covered(mounts: tuple[Mount, ...], explained: set[str]) -> bool:
    return bool(mounts) and all(mount.mount_path in explained for mount in mounts)


def _routed_only(faults: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """The faults that concern a gateway, which makes no plain-text calls."""
    return tuple(hit for hit in faults if hit.rule.id not in PLAIN_CALLS)


def _denying(faults: tuple[Hit, ...]) -> bool:
    return any(hit.denies for hit in faults)


def _in_doubt(hit: Hit) -> Hit:
    return replace(hit, violation=replace(hit.violation, certain=False))


def own_faults(rule: DestinationRule, view: ClusterView, horizon: Horizon, stage: Stage) -> tuple[Hit, ...]:
    """The faults of this DestinationRule alone; cached until an Istio object changes."""
    key = ("own faults", rule.ref, stage)
    cached_faults: tuple[Hit, ...] | None = view.memo.get(key)
    if cached_faults is None:
        picture = DestinationPicture(rule, view, horizon, stage)
        cached_faults = view.memo[key] = tuple(hits(about("destination"), picture, rule.ref, view.deadline))
    return cached_faults
