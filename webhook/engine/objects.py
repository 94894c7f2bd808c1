"""Judges what exists: one workload, one DestinationRule, or everything in view."""

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
"""Rules about the plain calls of applications, which no gateway makes."""


def judge_state(view: ClusterView, policy: Policy, at: datetime) -> Iterator[Verdict]:
    """One verdict for each workload, then for each DestinationRule; what a judged controller made is let through."""
    return (judge() for judge in judgements(view, policy, at))


def judgements(view: ClusterView, policy: Policy, at: datetime) -> list[Callable[[], Verdict]]:
    """The verdicts of `judge_state`, each yet to be reached, in any order and in any process."""
    return [
        *(later(judge_workload, workload, view, policy, at) for workload in view.workloads.all()),
        *(later(judge_created_pod, pod, view, policy, at) for pod in view.pods.all()),
        *(later(judge_rule, rule, view, policy, at) for rule in view.config.rules),
    ]


def judge_workload(
    workload: Workload, view: ClusterView, policy: Policy, at: datetime, occasion: Occasion = STATE
) -> Verdict:
    """Every fault on the workload's chains, whoever's object it lies in. occasion: on which it is judged."""
    if workload.template_elsewhere:  # a Rollout with workloadRef: the template's own workload is judged
        return Verdict(workload.ref)
    if workload.template_missing:
        return Verdict(workload.ref, (_without_template(workload),))
    return judge_picture(picture_of(workload, view, policy, at, occasion), policy)


def judge_created_pod(
    pod: Workload, view: ClusterView, policy: Policy, at: datetime, occasion: Occasion = STATE
) -> Verdict:
    """A Pod of a judged controller, whose template was judged: only whether it has what injection should have added.

    Of a Pod that runs, that is said of its workload (`pod-outdated`), if that opts in itself and its name tells so.
    """
    if pod.ref.kind != "Pod" or not _may_opt_in(pod, view):
        return Verdict(pod.ref)
    stored = origin(view, pod) if not occasion.request else None
    if stored is not None and _says_it(stored, pod) and opts_in(WorkloadPicture(stored, view, _horizon(policy, at))):
        return Verdict(pod.ref)
    picture = picture_of(pod, view, policy, at, occasion)
    pod_hits = hits((catalogue()[NOT_APPLIED],), picture, pod.ref, view.deadline) if picture.addition.lacking else ()
    return Verdict(pod.ref, weigh(pod_hits, policy, pod.namespace) if pod_hits else (), picture.goal)


def _says_it(workload: Workload, pod: Workload) -> bool:
    """Whether the Pod is known as one of the workload's: not that of a Job that a person made from a CronJob."""
    return (workload.ref.kind, workload.ref.name) in owners(pod)


def _may_opt_in(pod: Workload, view: ClusterView) -> bool:
    declared = any(name.startswith(PREFIX) for name in pod.template.annotations)
    return declared or view.namespace(pod.namespace).labels.get(INJECT) == "true"


def _without_template(workload: Workload) -> Finding:
    """Says that the policy's path leads nowhere in this object."""
    problem = f'has no pod template at "{workload.template.path}", where the policy says that it is: nothing was judged'
    fix = "correct `template` of this kind in `workloads` of the policy"
    return Finding(TEMPLATE_MISSING, Severity.WARN, workload.ref, "", problem, fix)


def judge_picture(
    picture: WorkloadPicture, policy: Policy, stage: Stage | None = None, used: Collection[ObjectRef] | None = None
) -> Verdict:
    """As `judge_workload`, of a picture that is there already. stage: of the rules that the workload uses or means.

    used: the rules that are at that stage, None for all; others are arriving.
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
    """The picture that a verdict about the workload is made from: as its pods will be, our injection included."""
    if occasion.missing_secret is not policy.missing_secret:
        occasion = replace(occasion, missing_secret=policy.missing_secret)
    return picture_as_injected(workload, view, _horizon(policy, at), occasion)


def judge_rule(
    rule: DestinationRule, view: ClusterView, policy: Policy, at: datetime, stage: Stage = Stage.STANDING
) -> Verdict:
    """Every fault of the rule itself, and what it means for the workloads that it reaches."""
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
    """The faults of the rules that the workload uses, or means and misses. used: see `judge_picture`.

    Where a mount that provides the files of a sound rule provides those of a faulty one of another namespace, too,
    nothing says that the workload calls that host: the fault then only warns. So it does while a release goes on, as
    the workload's own DestinationRule may follow.
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
    """The faults of the rules that make the workload read these files, by rule; kept while what it is told holds."""
    refs = () if used is None else (user.rule.ref for user in picture.groups[files])
    arriving = frozenset(ref for ref in refs if ref not in (used or ()))
    derived, key = picture.reach.derived, ("faults", id(picture.groups), files, stage, arriving)
    groups, cached_faults = derived.get(key, (None, {}))
    if groups is not picture.groups:  # which keeps them, so that their id is not given to others
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
    """The faults that count for a gateway: it makes no calls of its own, and what it is sent depends on its routes."""
    return tuple(hit for hit in faults if hit.rule.id not in PLAIN_CALLS)


def _denying(faults: tuple[Hit, ...]) -> bool:
    return any(hit.denies for hit in faults)


def _in_doubt(hit: Hit) -> Hit:
    return replace(hit, violation=replace(hit.violation, certain=False))


def own_faults(rule: DestinationRule, view: ClusterView, horizon: Horizon, stage: Stage) -> tuple[Hit, ...]:
    """What the rules say of this DestinationRule by itself; kept until something of Istio changes."""
    key = ("own faults", rule.ref, stage)
    cached_faults: tuple[Hit, ...] | None = view.memo.get(key)
    if cached_faults is None:
        picture = DestinationPicture(rule, view, horizon, stage)
        cached_faults = view.memo[key] = tuple(hits(about("destination"), picture, rule.ref, view.deadline))
    return cached_faults
