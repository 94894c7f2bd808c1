"""Which DestinationRule each Secret is meant for that a workload names, and which Secret each file comes from.

The choice depends on the objects only: without `destinations`, a Secret is for the DestinationRule of the workload's
own namespace whose file names are its data keys, else for the oldest. A new object of another namespace comes last, so
that it never changes or ends an injection.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from posixpath import basename

from webhook.kinds.opt_in_annotations import CLIENT_SECRET, read_declaration
from webhook.model.chain import Origination
from webhook.model.injection_plan import Obstacle, Rivals
from webhook.trace.context import WorkloadContext
from webhook.trace.data_keys import Fit, fit, keys_of, sources
from webhook.trace.injection_request import NEWEST, Age, RequestedFiles, age, named_by, requested_files
from webhook.trace.manual_mounts import is_of_other_secret
from webhook.trace.pod_owner import origin
from webhook.trace.secret_obstacles import ambiguous, annotation, unusable

Rank = tuple[int, Age]
_OWN, _OWN_RENAMED, _FOREIGN, _LATER, _OWN_DOUBTFUL = range(5)
"""Ranks of candidates, the best first.

_LATER: of another namespace, and created after the workload, or with file names that are no data keys.
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file set that is mounted. secrets: by field, the Secret that the file comes from.

    guessed: neither the workload nor its namespace says that it is this DestinationRule.
    """

    request: RequestedFiles
    secrets: Mapping[str, str]
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The file sets to mount, the obstacles, and the Secrets that could be meant for several DestinationRules.

    secrets: all Secrets that the choice depends on.
    """

    chosen: tuple[Chosen, ...]
    obstacles: tuple[Obstacle, ...] = ()
    rivals: tuple[Rivals, ...] = ()
    secrets: frozenset[str] = frozenset()


def choose(context: WorkloadContext) -> Choice:
    """The file sets that the workload asks for and gets, also those that it already has."""
    requests = requested_files(context)
    named = bool(context.declaration.destinations)
    certain = [request for request in requests if request.named or named]
    claimed = frozenset(name for request in certain if not request.foreign for name in request.secrets)
    free = _Free(context, [request for request in requests if not (request.named or named)], claimed)
    settled = [*(result for request in certain for result in _settled(context, request)), *free.settled()]
    chosen = [result for result in settled if isinstance(result, Chosen)]
    chosen.sort(key=lambda result: (result.guessed or result.request.foreign, age(context, result.request.users[0])))
    obstacles = tuple(result for result in settled if isinstance(result, Obstacle))
    secrets = frozenset(name for request in requests for name in request.secrets)
    return Choice(tuple(chosen), obstacles, tuple(free.rivals()), secrets)


def _settled(context: WorkloadContext, request: RequestedFiles) -> Iterator[Chosen | Obstacle]:
    """The file set with its Secrets, or the obstacle."""
    keys = {name: keys_of(context, name) for name in request.secrets}
    if request.foreign and not request.declared and any(_useless(context, request, name) for name in keys):
        yield unusable(context, request)
        return
    chosen = sources(request.files, keys) if keys else None
    if chosen is None:
        yield ambiguous(context, request, certain=not request.foreign and None not in keys.values())
        return
    yield Chosen(request, chosen)
    conflicting = [
        user
        for user in request.users
        if request.foreign and named_by(user) and not {*named_by(user)} & {*request.secrets}
    ]
    if conflicting:
        yield ambiguous(context, replace(request, secrets=(*request.secrets, *named_by(conflicting[0]))), certain=False)


def _useless(context: WorkloadContext, request: RequestedFiles, secret: str) -> bool:
    """Whether a Secret that only another namespace names does not exist, or lacks the files."""
    keys = keys_of(context, secret)
    if keys is None:
        return context.complete and not context.view.producers("Secret", context.workload.namespace, secret)
    return len(request.secrets) == 1 and fit(request.files, keys) is Fit.LACKING


def nearest(context: WorkloadContext, secret: str) -> tuple[Origination, tuple[str, ...]] | None:
    """The DestinationRule with the fewest file names that the Secret lacks, and these; None without a common name."""
    keys = keys_of(context, secret)
    if keys is None:
        return None
    lacking = [
        (request, [basename(path) for _, path in request.files.items()])
        for request in requested_files(context)
        if not request.named
    ]
    near = [
        (request, tuple(name for name in names if name not in keys)) for request, names in lacking if {*names} & keys
    ]
    closest = min(near, key=lambda candidate: (len(candidate[1]), age(context, candidate[0].users[0])), default=None)
    return (closest[0].users[0], closest[1]) if closest is not None and closest[1] else None


class _Free:
    """The file sets that compete for the Secrets of a workload that names no destination."""

    def __init__(self, context: WorkloadContext, pool: list[RequestedFiles], claimed: frozenset[str]) -> None:
        """claimed: Secrets that DestinationRules of the workload's namespace name; no other namespace's gets them."""
        self.context, self.pool, self.claimed = context, pool, claimed
        self.keys = {name: keys_of(context, name) for name in context.declaration.secrets} if pool else {}
        stored = origin(context.view, context.workload) if pool else None
        self.since = (stored.created if stored is not None else "") or NEWEST
        self.ranked = {secret: self._ranked(secret) for secret in self.keys}
        self.preferred = {secret: ranked[0][1] for secret, ranked in self.ranked.items() if ranked}

    def settled(self) -> Iterator[Chosen | Obstacle]:
        """The file set for each Secret; an obstacle if two Secrets fit the same files."""
        for request in {preferred.files: preferred for preferred in self.preferred.values()}.values():
            alone = [
                name
                for name, preferred in self.preferred.items()
                if preferred is request and self._alone(request, name)
            ]
            if len(alone) > 1:
                yield ambiguous(self.context, request, certain=not request.foreign)
            elif alone:
                yield Chosen(
                    request, dict.fromkeys((field for field, _ in request.files.items()), alone[0]), request.foreign
                )
            else:
                yield Chosen(request, self._together(request) or self._lacking(request), request.foreign)

    def rivals(self) -> Iterator[Rivals]:
        """The Secrets that could also be meant for other DestinationRules which have no Secret."""
        taken = {preferred.files for preferred in self.preferred.values()}
        for secret, ranked in self.ranked.items():
            tier = ranked[0][0][0] if ranked else _OWN_DOUBTFUL
            alike = (_OWN, _OWN_RENAMED) if tier <= _OWN_RENAMED else (_FOREIGN, _LATER)
            alternatives = [
                request for (rank, _), request in ranked[1:] if rank in alike and request.files not in taken
            ]
            if alternatives and tier != _OWN_DOUBTFUL:
                yield self._rivals(secret, ranked[0][1], alternatives)

    def _rivals(self, secret: str, preferred: RequestedFiles, alternatives: list[RequestedFiles]) -> Rivals:
        hosts = dict.fromkeys(user.service.host for request in (preferred, *alternatives) for user in request.users)
        rules = dict.fromkeys(user.rule.ref for request in (preferred, *alternatives) for user in request.users)
        path = annotation(self.context, CLIENT_SECRET)
        undated = not preferred.users[0].rule.created
        return Rivals(path, secret, preferred.users[0].rule.ref, tuple(hosts), len(rules), undated)

    def _ranked(self, secret: str) -> list[tuple[Rank, RequestedFiles]]:
        tiers = ((self._tier(request, secret), request) for request in self.pool if secret in request.secrets)
        ranked = [((tier, age(self.context, request.users[0])), request) for tier, request in tiers if tier is not None]
        return sorted(ranked, key=lambda candidate: candidate[0])

    def _tier(self, request: RequestedFiles, secret: str) -> int | None:
        """The rank of the request for the Secret; None if it is no candidate."""
        match = self._fit(request, secret)
        if match is Fit.RENAMED and any(self._fit(request, name) is Fit.EXACT for name in self.keys if name != secret):
            match = Fit.LACKING
        if not request.foreign:
            if match is Fit.EXACT:
                return _OWN_DOUBTFUL if is_of_other_secret(self.context, request) else _OWN
            return _OWN_RENAMED if match is Fit.RENAMED and not self._claimed(request, secret) else _OWN_DOUBTFUL
        if match is Fit.LACKING or secret in self.claimed:
            return None
        if is_of_other_secret(self.context, request):
            return _OWN_DOUBTFUL
        created = request.users[0].rule.created or NEWEST
        return _FOREIGN if match is Fit.EXACT and created <= self.since else _LATER

    def _fit(self, request: RequestedFiles, secret: str) -> Fit:
        """How the Secret fits, alone or together with the others that the workload names."""
        match = fit(request.files, self.keys[secret])
        if match is Fit.LACKING and secret in self._together(request).values():
            return Fit.EXACT
        return match

    def _alone(self, request: RequestedFiles, secret: str) -> bool:
        return fit(request.files, self.keys[secret]) is not Fit.LACKING

    def _together(self, request: RequestedFiles) -> Mapping[str, str]:
        """By field: its Secret, if the files come from several Secrets; empty if they come from one."""
        keys = {name: self.keys[name] for name in request.secrets}
        return (sources(request.files, keys) if len(keys) > 1 else None) or {}

    def _lacking(self, request: RequestedFiles) -> Mapping[str, str]:
        """The Secret that is meant for the files, although it lacks a data key, which a rule reports."""
        secret = next(name for name, preferred in self.preferred.items() if preferred is request)
        return dict.fromkeys((field for field, _ in request.files.items()), secret)

    def _claimed(self, request: RequestedFiles, secret: str) -> bool:
        """Whether another workload of the namespace has the files of the request from another Secret."""
        workload, workloads = self.context.workload, self.context.view.workloads
        neighbours = [
            neighbour for neighbour in workloads.of_namespace(workload.namespace) if neighbour.ref != workload.ref
        ]
        kin = {neighbour.ref for neighbour in workloads.using_secret(workload.namespace, secret)}
        mounting = {neighbour.ref for neighbour in workloads.mounting([path for _, path in request.files.items()])}
        if any(neighbour.ref in mounting and neighbour.ref not in kin for neighbour in neighbours):
            return True
        named = {
            name for neighbour in neighbours for name in read_declaration(neighbour.template.annotations).secrets
        } - {secret}
        return any(fit(request.files, keys) is Fit.EXACT for name in named if (keys := keys_of(self.context, name)))
