"""Judges on the view of a live cluster, and confirms with the API server what a denial is based on.

The engine judges under the lock of the view and without I/O; a verdict that lacks a Secret is reached again once that
is read. Nothing is denied for what the view does not show yet, or no longer; what could not be read is in the verdict.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypeVar

from webhook.engine import judge
from webhook.engine.runner import in_order
from webhook.informer.consistency import ConsistencyWait
from webhook.informer.relied_kinds import RELIED_ON, kinds_behind, weaker
from webhook.informer.review_lock import ReviewTurn
from webhook.informer.secret_cache import FreshnessRequirement, Key, SecretCache
from webhook.informer.staleness import ClockReading, doubts
from webhook.informer.store import Store
from webhook.inject import ControllerAges, Mutation, mutate, with_waiting
from webhook.istio.injector.annotations import user_secrets
from webhook.kinds.controllers import controller_of, is_created
from webhook.kinds.opt_in_annotations import read_declaration
from webhook.kinds.registry import SHARED_KINDS
from webhook.kinds.workload import Templates, template_path
from webhook.model.deadline import Changed, NotJudged
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict
from webhook.model.raw_object import dig, group_of, mapping, texts
from webhook.model.request import Request
from webhook.policy import Policy
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.rules.mesh.mesh_crl_breaks_verification import NAME as CRL_OF_THE_MESH
from webhook.view import Snapshot

T = TypeVar("T")
Unread = Sequence[tuple[Key, str]]
"""Secrets and ConfigMaps that could not be looked at, each with the reason."""
STALE, UNREAD = "view-stale", "object-unread"
_ROUNDS = 6
_READ_AT_ONCE = 64
"""How many Secrets one review has read; a rule may concern thousands of workloads, each with its own."""


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """fresh: how old facts of a Secret may be for its own workload's review. stale: how long a kind may be silent.

    asking, judging: the shares of the time for which the API server waits for us that may go by while we ask it, and
    until there is an answer. unavailable: what cannot be judged is not admitted with a warning, but not answered.
    """

    fresh: timedelta = timedelta(seconds=5)
    stale: timedelta = timedelta(minutes=2)
    asking: float = 0.7
    judging: float = 0.9
    unavailable: bool = False


class LiveEngine:
    """Verdicts and mutations on the view of a live cluster; for several threads."""

    def __init__(self, store: Store, reader: SecretCache, confirmation: ConsistencyWait, policy: Policy) -> None:
        self._store, self._reader, self._confirmation, self._policy = store, reader, confirmation, policy
        self.limits = ReviewLimits()
        self.ages: ControllerAges = lambda _: ""

    def judge(self, request: Request) -> Verdict:
        """The verdict as of now; nothing is denied that was not confirmed."""
        began = monotonic()
        until, turn = self._until(request, began), self._turn(request, began)
        fresh = self._fresh(request, began, until)
        verdict, unread = self._settled(request, self._judged, fresh, turn)
        doubt = ""
        if verdict.word == "deny":
            sure = FreshnessRequirement(began, exactly=True, until=until)
            self._read_ahead(request, sure)
            doubt = self._confirmation.wait(kinds_behind(verdict), until)
            verdict, unread = self._settled(request, self._judged, sure, turn)
        elif _says_absent(request, verdict):
            verdict, unread = self._settled(
                request, self._judged, FreshnessRequirement(began, exactly=True, until=until), turn
            )
        return self._honest(request, verdict, unread, doubt)

    def mutate(self, request: Request) -> Mutation:
        """What injection adds to the object as of now; nothing, or from a Secret that is absent, only if confirmed.

        A Pod keeps what it gets for as long as it lives, also where its rule or its Secret came right before it.

        Raises:
            NotJudged: it asks for injection, and nobody can tell now what it gets.
        """
        began = monotonic()
        until, turn = self._until(request, began), self._turn(request, began)
        fresh, exactly = self._fresh(request, began, until), FreshnessRequirement(began, exactly=True, until=until)
        found, _ = self._settled(request, self._mutated, fresh, turn)
        if found.addition.absent and not _lacks(found):
            found, _ = self._settled(request, self._mutated, exactly, turn)
        if _lacks(found):
            doubt = self._confirmation.wait(NAMESPACE | ROUTING, until)
            found, unread = self._settled(request, self._mutated, exactly, turn)
            if _lacks(found):
                self._refuse(self._stale_kinds(NAMESPACE | ROUTING), doubt, unread)
        return with_waiting(request, found, self._policy.injection, self.ages, datetime.now(UTC))

    def _judged(self, request: Request, view: Snapshot, at: datetime) -> Verdict:
        return judge(request, view, self._policy, at)

    def _mutated(self, request: Request, view: Snapshot, at: datetime) -> Mutation:
        expiry = self._policy.expiry
        return mutate(request, view, Horizon(at, expiry.warn, expiry.deny), view.workload_paths)

    def _patience(self, request: Request) -> float:
        """How old facts may be: for a workload's own review seconds; for others' workloads what is known will do."""
        others = request.ref.kind in SHARED_KINDS
        return float("inf") if others else self.limits.fresh.total_seconds()

    def _fresh(self, request: Request, began: float, until: float) -> FreshnessRequirement:
        """For the first look; what was absent is asked for again, also for workloads of others."""
        absent = began - self.limits.fresh.total_seconds()
        return FreshnessRequirement(began - self._patience(request), until=until, absent_not_before=absent)

    def _until(self, request: Request, began: float) -> float:
        """When there must be an answer, whatever has not been read or confirmed by then."""
        return began - request.gone + self.limits.asking * request.seconds

    def _turn(self, request: Request, began: float) -> ReviewTurn:
        until = began - request.gone + self.limits.judging * request.seconds
        return ReviewTurn(self._store, monotonic, until, request.seconds)

    def _settled(
        self,
        request: Request,
        answer: Callable[[Request, Snapshot, datetime], T],
        need: FreshnessRequirement,
        turn: ReviewTurn,
    ) -> tuple[T, Unread]:
        """The answer once it asks for nothing that could still be read, and what could not be read."""
        left = _ROUNDS
        self._read_ahead(request, need)
        while True:
            asked = self._reader.asked(need)
            try:
                with turn:
                    found = answer(request, self._store.view.within(turn, asked), datetime.now(UTC))
            except Changed:
                continue
            wanted = asked.wanted
            if not wanted or not left:
                return found, asked.unreadable
            left -= 1
            self._reader.read(wanted[:_READ_AT_ONCE], need)
            if len(wanted) > _READ_AT_ONCE:
                need = replace(need, not_before=-float("inf"), exactly=False, absent_not_before=-float("inf"))

    def _read_ahead(self, request: Request, need: FreshnessRequirement) -> None:
        """Reads what the verdict will ask for, as far as the workload names it: one verdict instead of two."""
        first = self._reader.lacking(named_secrets(request, self._store.view.workload_paths), need)
        if first:
            crl = self._reader.lacking([("ConfigMap", request.ref.namespace, CRL_OF_THE_MESH)], need)
            self._reader.read((*first, *crl), need)

    def _stale_kinds(self, kinds: Collection[str]) -> list[str]:
        """Why what the view shows of these kinds may not be what there is."""
        stale = doubts(self._store.sources(), ClockReading(monotonic(), datetime.now(UTC)), self.limits.stale)
        return [why for kind, why in stale.items() if kind in kinds]

    @staticmethod
    def _refuse(stale: Sequence[str], doubt: str, unread: Unread) -> None:
        """Raises NotJudged where something could not be looked at for want of an answer."""
        if stale:
            raise NotJudged("stale", stale[0])
        if doubt:
            raise NotJudged("unanswered", doubt)
        for (kind, namespace, name), why in unread:
            if ": 403" not in why and name != CRL_OF_THE_MESH:
                raise NotJudged("unanswered", f"{kind} {namespace}/{name} {why}")

    def _honest(self, request: Request, verdict: Verdict, unread: Unread, doubt: str) -> Verdict:
        """The verdict with what could not be looked at, and without denials that rest on what may be out of date."""
        stale = doubts(self._store.sources(), ClockReading(monotonic(), datetime.now(UTC)), self.limits.stale)
        relied_on = RELIED_ON | kinds_behind(verdict)
        reasons = [why for kind, why in stale.items() if kind in relied_on]
        if self.limits.unavailable:
            self._refuse(reasons, doubt, () if request.ref.kind in SHARED_KINDS else unread)
        findings = [weaker(one, stale.keys() if not doubt else relied_on) for one in verdict.findings]
        said = [_stale(request.ref, why) for why in (*reasons[:1], *([doubt] if doubt and not reasons else []))]
        if request.ref.kind not in SHARED_KINDS:
            said += [_unread(key, why) for key, why in unread if key[2] != CRL_OF_THE_MESH]
        return replace(verdict, findings=in_order((*findings, *said))) if said else verdict


def _lacks(found: Mutation) -> bool:
    """Whether an object that asks for injection gets nothing, or not what it waits for."""
    return found.addition.opted_in and (not found.addition or bool(found.addition.awaited))


def named_secrets(request: Request, further: Templates) -> tuple[Key, ...]:
    """The Secrets that the workload under review names for its sidecar; none for what may pass unjudged."""
    kind, new = request.ref.kind, request.new
    if not new or kind in SHARED_KINDS or request.sub_resource:
        return ()
    steps = template_path(request.ref.api_version, kind, further)
    owner = controller_of(mapping(dig(new, "metadata")))
    if steps is None or is_created((group_of(request.ref.api_version), kind), owner, further):
        return ()
    annotations = texts(dig(new, *steps, "metadata", "annotations"))
    names = dict.fromkeys((*user_secrets(annotations, ".".join(steps)), *read_declaration(annotations).secrets))
    return tuple(("Secret", request.ref.namespace, name) for name in names)[:_READ_AT_ONCE]


def _says_absent(request: Request, verdict: Verdict) -> bool:
    """Whether the workload under review is warned of an object that does not exist, which one more read confirms."""
    return request.ref.kind not in SHARED_KINDS and any(one.rule in _ABSENT for one in verdict.findings)


_ABSENT = frozenset({"secret-missing", "config-map-missing", "credential-secret-missing"})


def _stale(ref: ObjectRef, why: str) -> Finding:
    problem = f"not judged because {why}; nothing is denied for what they show until then"
    return Finding(STALE, Severity.WARN, ref, "", problem, "try again later; mtls-guard doctor says more")


def _unread(key: Key, why: str) -> Finding:
    kind, namespace, name = key
    problem = f"not judged because it {why}; its keys and certificates were not checked"
    grant = f"an administrator may allow mtls-guard to get {kind}s in namespace {namespace}"
    fix = grant if ": 403" in why else "try again later"
    return Finding(UNREAD, Severity.WARN, ObjectRef("v1", kind, namespace, name), "", problem, fix)
