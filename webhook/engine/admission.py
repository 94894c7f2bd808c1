"""Judges admission requests: compares an object that is created, updated or deleted with its previous state."""

from dataclasses import replace
from datetime import datetime

from webhook.engine.impact import Impact
from webhook.engine.interruption import with_migration_advice
from webhook.engine.objects import judge_created_pod, judge_rule, judge_workload, picture_of
from webhook.engine.partial_verdict import partial
from webhook.engine.runner import hits, in_order, softened, weigh
from webhook.engine.served_hosts import served_hosts
from webhook.istio.injector.workload_index import declares_volumes
from webhook.kinds import destination_rule, workload
from webhook.kinds.controllers import is_controlled
from webhook.kinds.list_limits import left_out
from webhook.kinds.registry import SHARED_KINDS
from webhook.kinds.release_tool import release_tool
from webhook.model.finding import Finding, Severity, Verdict
from webhook.model.occasion import Occasion
from webhook.model.raw_object import Manifest, dig, group_of, mapping
from webhook.model.request import Request
from webhook.model.workload import Workload
from webhook.policy import Policy
from webhook.rules import about
from webhook.trace.destination import Stage
from webhook.view import Snapshot


def judge(request: Request, view: Snapshot, policy: Policy, at: datetime) -> Verdict:
    """The verdict on one admission request. Kinds that are not judged and requests that must pass are allowed."""
    if _passes(request, view):
        return Verdict(request.ref)
    if request.ref.kind in SHARED_KINDS and _ours(request):
        return _judge_other(request, view, policy, at)
    if request.operation == "DELETE":
        return Verdict(request.ref)
    return _judge_workload(request, view, policy, at)


def occasion_of(request: Request, policy: Policy) -> Occasion:
    """Describes the request: whether it is a dry run, and which release tool sent it."""
    tool = release_tool(request.new or request.old, request.field_manager, policy.release_tools)
    return Occasion(request=True, dry_run=request.dry_run, tool=tool, missing_secret=policy.missing_secret)


def _passes(request: Request, view: Snapshot) -> bool:
    """Whether the request is for a subresource, a CONNECT, or a terminating object or namespace."""
    if request.sub_resource or request.operation not in ("CREATE", "UPDATE", "DELETE"):
        return True
    if request.operation == "UPDATE" and dig(request.new, "metadata", "deletionTimestamp"):
        return True
    return bool(request.ref.namespace) and view.namespace(request.ref.namespace).terminating


def _ours(request: Request) -> bool:
    """Whether the kind belongs to the expected API group, not to another group that has a kind of the same name."""
    group = "" if request.ref.kind == "Secret" else "networking.istio.io"
    return group_of(request.ref.api_version) == group


def _judge_workload(request: Request, view: Snapshot, policy: Policy, at: datetime) -> Verdict:
    """New faults deny; faults that the old object already had only warn."""
    new = _read(request.new, request, view)
    if new is None:
        return Verdict(request.ref)
    if is_controlled(new, view.workload_paths):
        is_new = request.operation == "CREATE"
        return (
            judge_created_pod(new, view, policy, at, occasion_of(request, policy)) if is_new else Verdict(request.ref)
        )
    old = _read(request.old, request, view) if request.operation == "UPDATE" else None
    occasion = _with_annotations(occasion_of(request, policy), old)
    verdict = judge_workload(new, view, policy, at, occasion)
    if old is None or not (verdict.findings or declares_volumes(new.template)):
        return verdict
    old_findings = judge_workload(old, view, policy, at, occasion).findings
    former = served_hosts(picture_of(old, view, policy, at, occasion), old_findings)
    if former:
        verdict = judge_workload(new, view, policy, at, replace(occasion, former=former))
    new_faults = softened(verdict.findings, old_findings)
    return replace(verdict, findings=in_order(with_migration_advice(new_faults, request, view.workload_paths)))


def _with_annotations(occasion: Occasion, old: Workload | None) -> Occasion:
    """Adds the annotations of a Pod before its update: the injector read them when the Pod was created."""
    if old is None or old.ref.kind != "Pod":
        return occasion
    return replace(occasion, before=tuple(sorted(old.template.annotations.items())))


def _read(manifest: Manifest, request: Request, view: Snapshot) -> Workload | None:
    """Parses the workload; its name and namespace are taken from the request, not from the object."""
    parsed = workload.read_workload(manifest, view.workload_paths) if manifest else None
    return None if parsed is None else replace(parsed, ref=request.ref)


def _judge_other(request: Request, view: Snapshot, policy: Policy, at: datetime) -> Verdict:
    """Faults of the changed object itself, and workloads that the change breaks."""
    before = _state(request, view, request.old)
    after = _state(request, view, request.new if request.operation != "DELETE" else {})
    own_findings = _own(request, before, after, policy, at)
    denied = {finding.identity for finding in own_findings if finding.severity is Severity.DENY}
    findings: tuple[Finding, ...] = ()
    if before is not after:
        picture = Impact(before, after, occasion_of(request, policy), denied).picture(request, policy, at)
        findings = weigh(hits(about("change"), picture, request.ref, view.deadline), policy, request.ref.namespace)
    remaining = [finding for finding in own_findings if not (findings and finding.rule in _audience_rules())]
    verdict = Verdict(request.ref, in_order((*remaining, *findings)), _goal(request))
    return verdict if request.ref.kind == "DestinationRule" else partial(verdict, left_out(_spec(request), "spec"))


def _audience_rules() -> frozenset[str]:
    """Ids of rules about the clients of a DestinationRule; findings about broken workloads replace their findings."""
    return frozenset(rule.id for rule in about("audience"))


def _state(request: Request, view: Snapshot, manifest: Manifest) -> Snapshot:
    """The cluster with the object as in this manifest, or without the object if the manifest is empty.

    Counts of workloads are shared with the view, since they do not depend on Istio objects.
    """
    if _holds(view, request, manifest):
        return view
    state = view.copy()
    state.remove(request.ref)
    if manifest:
        state.put(_named(manifest, request))
    state.tallies = view.tallies.without(request.ref.namespace) if request.ref.kind == "Secret" else view.tallies
    return state


def _holds(view: Snapshot, request: Request, manifest: Manifest) -> bool:
    """Whether the view already contains exactly this object (the usual state before a change)."""
    if request.ref.kind == "Secret" and view.by_name is not None:
        return False
    alone = Snapshot(complete=view.complete)
    alone.mesh = view.mesh
    if manifest:
        alone.put(_named(manifest, request))
    return alone.held(request.ref) == view.held(request.ref)


def _own(request: Request, before: Snapshot, after: Snapshot, policy: Policy, at: datetime) -> tuple[Finding, ...]:
    """Faults of a changed DestinationRule itself; faults that it already had before the change only warn."""
    new = after.config.rules.get(request.ref) if request.ref.kind == "DestinationRule" else None
    if new is None:
        return ()
    findings = tuple(judge_rule(new, after, policy, at, Stage.ARRIVING).findings)
    old = before.config.rules.get(request.ref)
    if old is None or not findings:
        return findings
    if before is after:
        return softened(findings, findings)
    return softened(findings, judge_rule(old, before, policy, at, Stage.ARRIVING).findings)


def _named(manifest: Manifest, request: Request) -> Manifest:
    """The manifest with the kind, name and namespace of the request."""
    metadata = {**mapping(dig(manifest, "metadata")), "name": request.ref.name, "namespace": request.ref.namespace}
    return {**manifest, "metadata": metadata, "kind": request.ref.kind, "apiVersion": request.ref.api_version}


def _spec(request: Request) -> Manifest:
    return mapping(request.new.get("spec"))


def _goal(request: Request) -> str:
    return destination_rule.read_destination_rule(request.new).host if request.ref.kind == "DestinationRule" else ""
