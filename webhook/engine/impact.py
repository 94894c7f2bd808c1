"""Finds the workloads that a change of an Istio object, Service or Secret breaks, by judging them before and after."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from webhook.engine.interruption import accepted
from webhook.engine.lost_hosts import guessed_hosts, lost_files
from webhook.engine.objects import judge_picture, picture_of
from webhook.engine.served_hosts import served_hosts
from webhook.engine.stranded_pods import stranded_pods
from webhook.istio.pilot.client_config import told_of
from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.hosts import is_wildcard, overlaps
from webhook.model.chain import Miss, Origination
from webhook.model.finding import Finding, ObjectRef, Severity
from webhook.model.mesh import DestinationRule
from webhook.model.occasion import STATE, Occasion
from webhook.model.request import Request
from webhook.model.workload import Workload
from webhook.policy import Policy
from webhook.trace.change import BrokenWorkload, ChangePicture
from webhook.trace.destination import Stage
from webhook.trace.injection_candidates import asking
from webhook.trace.not_applied import explain
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot

JUDGED = 200
"""Maximum number of workloads that one review judges, to stay within the timeout of the API server."""

Identity = tuple[str, ObjectRef, str]


class Impact:
    """One change, as the states of the cluster before and after. already_reported: denials not to be repeated."""

    def __init__(
        self, before: Snapshot, after: Snapshot, occasion: Occasion = STATE, already_reported: Collection[Identity] = ()
    ) -> None:
        """occasion: describes the request that makes the change."""
        self.before, self.after, self.occasion, self.already_reported = before, after, occasion, already_reported
        self._config_changes: dict[str, bool] = {}
        self._any_use = False
        """Whether a Pod depends on the object for its start (a mounted Secret), even if the object serves no host."""

    def picture(self, request: Request, policy: Policy, at: datetime) -> ChangePicture:
        """The workloads that worked before the change and lose a host or get a new denial by it."""
        concerned = tuple(self._concerned(request.ref))
        self._any_use = request.ref.kind == "Secret" and request.operation == "DELETE"
        broken = (self._broken(workload, request.ref, policy, at) for workload in concerned[:JUDGED])
        losses = tuple(loss for loss in broken if loss is not None)
        unseen = max(0, len(concerned) - JUDGED)
        accepts = request.ref.kind == "DestinationRule" and accepted(request, self.after.workload_paths)
        return ChangePicture(request.ref, request.operation, losses, unseen, accepts)

    def _broken(self, workload: Workload, ref: ObjectRef, policy: Policy, at: datetime) -> BrokenWorkload | None:
        """What the workload loses, None if nothing; a workload that had no working host before loses nothing.

        Faults of DestinationRules that the workload did not use before are ignored.
        """
        self.before.deadline.check()
        before = picture_of(workload, self.before, policy, at)
        denials_before = _denials(judge_picture(before, policy).findings) if before.intents else []
        served = served_hosts(before, denials_before) if before.intents else frozenset()
        if not (served or self._any_use):
            return None
        after = picture_of(workload, self.after, policy, at, replace(self.occasion, former=served))
        stage = Stage.MEANT if self.occasion.final else Stage.ARRIVING
        denials_after = _denials(judge_picture(after, policy, stage, _rules_of(before)).findings)
        lost = served - served_hosts(after, denials_after) - guessed_hosts(before)
        denials_after += _denials(lost_files(after, lost, policy))
        left_behind = _denials(stranded_pods(before, after, served, policy))
        if left_behind and not denials_after:
            return BrokenWorkload(workload.ref, tuple(left_behind), running=True)
        if not denials_after:
            return BrokenWorkload(workload.ref, miss=_missed(after, ref)) if served and not after.intents else None
        if denials_before and not self._any_use and served <= served_hosts(after, denials_after):
            return None
        reported = {*self.already_reported, *(finding.identity for finding in denials_before)}
        new = tuple(finding for finding in denials_after if finding.identity not in reported)
        return BrokenWorkload(workload.ref, new) if new else None

    def _concerned(self, ref: ObjectRef) -> Iterable[Workload]:
        """Workloads whose verdict may depend on the object, those in the namespace of the object first."""
        candidates = {workload.ref: workload for workload in self._candidates(ref)}
        if ref.kind == "DestinationRule":
            candidates = {
                name: workload
                for name, workload in candidates.items()
                if name.namespace == ref.namespace
                or self._picks(name.namespace)
                or self._client_config_changes(ref, name.namespace)
            }
        return sorted(candidates.values(), key=lambda workload: (workload.namespace != ref.namespace, workload.ref))

    def _picks(self, namespace: str) -> bool:
        """Whether the client configuration in the namespace depends on the labels of the Pod."""
        return any(sidecar.selector is not None for sidecar in self.after.config.sidecars.of_namespace(namespace))

    def _candidates(self, ref: ObjectRef) -> Iterator[Workload]:
        workloads, namespace = self.after.workloads, ref.namespace
        if ref.kind == "Secret":
            yield from workloads.using_secret(namespace, ref.name)
        elif ref.kind == "Sidecar":
            everywhere = namespace == self.after.mesh.root_namespace
            yield from workloads.with_mounts(None if everywhere else namespace)
        else:
            rules = [*_related(self.before.config, ref), *_related(self.after.config, ref)]
            yield from workloads.mounting({path for rule in rules for path in _paths(rule)})
            if rules:
                yield from workloads.with_mounts(namespace)
                yield from asking(self.after)

    def _client_config_changes(self, ref: ObjectRef, namespace: str) -> bool:
        """Whether the client configuration in the namespace changes for the hosts of a changed DestinationRule."""
        changed = self._config_changes.get(namespace)
        if changed is None:
            self.before.deadline.check()
            hosts = {host for state in (self.before, self.after) for host in _all_hosts(state.config, ref)}
            pairs = (
                (_originations(self.before, namespace, host), _originations(self.after, namespace, host))
                for host in hosts
            )
            changed = self._config_changes[namespace] = any(before != after for before, after in pairs)
        return changed


def _missed(picture: WorkloadPicture, ref: ObjectRef) -> Miss | None:
    """Why the changed DestinationRule does not apply to the workload; None for an object of another kind."""
    rule = picture.view.config.rules.get(ref) if ref.kind == "DestinationRule" else None
    return next(explain(picture, [rule])) if rule is not None else None


def _rules_of(picture: WorkloadPicture) -> frozenset[ObjectRef]:
    """The DestinationRules that the workload is intended to use."""
    return frozenset(user.rule.ref for files in picture.intents for user in picture.groups[files])


def _originations(state: Snapshot, namespace: str, host: str) -> tuple[Origination, ...]:
    sidecar = state.config.sidecars.choose(namespace, {}, state.mesh)
    return told_of(state.config, namespace, sidecar, host)


def _all_hosts(config: IstioConfig, ref: ObjectRef) -> Iterator[str]:
    """The hosts of a DestinationRule, including known hosts that its wildcard matches."""
    for host in _hosts(config, ref):
        yield from config.services.hosts(host) if is_wildcard(host) else (host,)


def _denials(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.DENY]


def _related(config: IstioConfig, ref: ObjectRef) -> Iterator[DestinationRule]:
    """DestinationRules with TLS settings for a host of the object, or for a wildcard that overlaps with it."""
    hosts = dict.fromkeys(_hosts(config, ref))
    wide = any(map(is_wildcard, hosts))
    for pattern in config.rules.tls_hosts() if hosts else ():
        if pattern in hosts or ((wide or is_wildcard(pattern)) and any(overlaps(pattern, host) for host in hosts)):
            yield from config.rules.with_tls(pattern)


def _hosts(config: IstioConfig, ref: ObjectRef) -> Iterator[str]:
    """The hosts to which the object refers in this state of the cluster."""
    if ref.kind == "DestinationRule":
        rule = config.rules.get(ref)
        if rule is not None:
            yield config.rules.host(rule)
    elif ref.kind == "VirtualService":
        route = config.routes.get(ref)
        if route is not None:
            yield from config.routes.hosts(route)
            yield from (
                config.routes.resolve(target.host, route)
                for http_route in route.routes
                for target in http_route.targets
            )
    else:
        yield from (service.host for service in config.services.of_object(ref))


def _paths(rule: DestinationRule) -> Iterator[str]:
    return (path for tls in rule.settings() for _, path in tls.files.items())
