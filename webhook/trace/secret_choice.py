"""For which DestinationRule each Secret is that a workload names, and from which Secret each file comes.

The choice depends on the objects only: without `destinations`, a Secret is for the DestinationRule of the workload's
own namespace whose file names are its data keys, else for the oldest. A new object of another namespace comes last, so
that it never changes or ends an injection (`design.md`, section 5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from posixpath import basename, dirname

from webhook.kinds.opt_in_annotations import CLIENT_SECRET, DESTINATIONS, read_declaration
from webhook.model.chain import Origination
from webhook.model.injection_plan import Obstacle, Rivals
from webhook.trace.context import WorkloadContext
from webhook.trace.data_keys import Fit, fit, keys_of, sources
from webhook.trace.injection_request import NEWEST, Age, Wish, age, named_by, wishes
from webhook.trace.manual_mounts import is_of_other_secret
from webhook.trace.pod_owner import origin

Rank = tuple[int, Age]
_OWN, _OWN_RENAMED, _FOREIGN, _LATER, _OWN_DOUBTFUL = range(5)
"""How early a candidate counts. _LATER: of another namespace, and created after the workload, or with other names."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file set that is mounted. secrets: by field, the Secret that the file comes from.

    guessed: neither the workload nor its namespace says that it is this DestinationRule.
    """

    wish: Wish
    secrets: Mapping[str, str]
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What is mounted, what stands in the way, and which Secrets could be for several DestinationRules.

    secrets: all Secrets that the choice depends on.
    """

    chosen: tuple[Chosen, ...]
    obstacles: tuple[Obstacle, ...] = ()
    rivals: tuple[Rivals, ...] = ()
    secrets: frozenset[str] = frozenset()


def choose(context: WorkloadContext) -> Choice:
    """What the workload gets of what it asks for; what it has already is part of it."""
    asked = wishes(context)
    named = bool(context.declaration.destinations)
    certain = [wish for wish in asked if wish.named or named]
    own = frozenset(name for wish in certain if not wish.foreign for name in wish.secrets)
    free = _Free(context, [wish for wish in asked if not (wish.named or named)], own)
    settled = [*(one for wish in certain for one in _settled(context, wish)), *free.settled()]
    chosen = [one for one in settled if isinstance(one, Chosen)]
    chosen.sort(key=lambda one: (one.guessed or one.wish.foreign, age(context, one.wish.users[0])))
    obstacles = tuple(one for one in settled if isinstance(one, Obstacle))
    secrets = frozenset(name for wish in asked for name in wish.secrets)
    return Choice(tuple(chosen), obstacles, tuple(free.rivals()), secrets)


def _settled(context: WorkloadContext, wish: Wish) -> Iterator[Chosen | Obstacle]:
    """The wish with its Secrets, or why it has none."""
    keys = {name: keys_of(context, name) for name in wish.secrets}
    if wish.foreign and not wish.declared and any(_useless(context, wish, name) for name in keys):
        yield _unusable(context, wish)
        return
    chosen = sources(wish.files, keys) if keys else None
    if chosen is None:
        yield _ambiguous(context, wish, certain=not wish.foreign and None not in keys.values())
        return
    yield Chosen(wish, chosen)
    others = [one for one in wish.users if wish.foreign and named_by(one) and not {*named_by(one)} & {*wish.secrets}]
    if others:
        yield _ambiguous(context, replace(wish, secrets=(*wish.secrets, *named_by(others[0]))), certain=False)


def _useless(context: WorkloadContext, wish: Wish, secret: str) -> bool:
    """Whether a Secret that only a DestinationRule of another namespace names is not there, or has no file of it."""
    keys = keys_of(context, secret)
    if keys is None:
        return context.complete and not context.view.producers("Secret", context.workload.namespace, secret)
    return len(wish.secrets) == 1 and fit(wish.files, keys) is Fit.LACKING


def nearest(context: WorkloadContext, secret: str) -> tuple[Origination, tuple[str, ...]] | None:
    """The DestinationRule of which the Secret has the most file names, and those that it lacks; None without any."""
    keys = keys_of(context, secret)
    if keys is None:
        return None
    lacking = [(wish, [basename(path) for _, path in wish.files.items()]) for wish in wishes(context) if not wish.named]
    near = [(wish, tuple(name for name in names if name not in keys)) for wish, names in lacking if {*names} & keys]
    found = min(near, key=lambda one: (len(one[1]), age(context, one[0].users[0])), default=None)
    return (found[0].users[0], found[1]) if found is not None and found[1] else None


class _Free:
    """The wishes that compete for the Secrets that the workload names, for it names no destination."""

    def __init__(self, context: WorkloadContext, pool: list[Wish], own: frozenset[str]) -> None:
        """own: Secrets that DestinationRules of the workload's namespace name, which are for no other namespace's."""
        self.context, self.pool, self.own = context, pool, own
        self.keys = {name: keys_of(context, name) for name in context.declaration.secrets} if pool else {}
        stored = origin(context.view, context.workload) if pool else None
        self.since = (stored.created if stored is not None else "") or NEWEST
        self.ranked = {secret: self._ranked(secret) for secret in self.keys}
        self.first = {secret: ranked[0][1] for secret, ranked in self.ranked.items() if ranked}

    def settled(self) -> Iterator[Chosen | Obstacle]:
        """The wish that each Secret is for; of two Secrets for the same files nobody can tell which is meant."""
        for wish in {first.files: first for first in self.first.values()}.values():
            alone = [name for name, first in self.first.items() if first is wish and self._alone(wish, name)]
            if len(alone) > 1:
                yield _ambiguous(self.context, wish, certain=not wish.foreign)
            elif alone:
                yield Chosen(wish, dict.fromkeys((field for field, _ in wish.files.items()), alone[0]), wish.foreign)
            else:
                yield Chosen(wish, self._together(wish) or self._lacking(wish), wish.foreign)

    def rivals(self) -> Iterator[Rivals]:
        """Each Secret that could be for other DestinationRules too, as far as these are no other Secret's."""
        taken = {first.files for first in self.first.values()}
        for secret, ranked in self.ranked.items():
            tier = ranked[0][0][0] if ranked else _OWN_DOUBTFUL
            alike = (_OWN, _OWN_RENAMED) if tier <= _OWN_RENAMED else (_FOREIGN, _LATER)
            others = [wish for (other, _), wish in ranked[1:] if other in alike and wish.files not in taken]
            if others and tier != _OWN_DOUBTFUL:
                yield self._rivals(secret, ranked[0][1], others)

    def _rivals(self, secret: str, first: Wish, others: list[Wish]) -> Rivals:
        hosts = dict.fromkeys(one.service.host for wish in (first, *others) for one in wish.users)
        rules = dict.fromkeys(one.rule.ref for wish in (first, *others) for one in wish.users)
        path = annotation(self.context, CLIENT_SECRET)
        undated = not first.users[0].rule.created
        return Rivals(path, secret, first.users[0].rule.ref, tuple(hosts), len(rules), undated)

    def _ranked(self, secret: str) -> list[tuple[Rank, Wish]]:
        found = ((self._tier(wish, secret), wish) for wish in self.pool if secret in wish.secrets)
        ranked = [((tier, age(self.context, wish.users[0])), wish) for tier, wish in found if tier is not None]
        return sorted(ranked, key=lambda one: one[0])

    def _tier(self, wish: Wish, secret: str) -> int | None:
        """How early the wish counts for the Secret; None where it is no candidate."""
        match = self._fit(wish, secret)
        if match is Fit.RENAMED and any(self._fit(wish, one) is Fit.EXACT for one in self.keys if one != secret):
            match = Fit.LACKING
        if not wish.foreign:
            if match is Fit.EXACT:
                return _OWN_DOUBTFUL if is_of_other_secret(self.context, wish) else _OWN
            return _OWN_RENAMED if match is Fit.RENAMED and not self._claimed(wish, secret) else _OWN_DOUBTFUL
        if match is Fit.LACKING or secret in self.own:
            return None
        if is_of_other_secret(self.context, wish):
            return _OWN_DOUBTFUL
        created = wish.users[0].rule.created or NEWEST
        return _FOREIGN if match is Fit.EXACT and created <= self.since else _LATER

    def _fit(self, wish: Wish, secret: str) -> Fit:
        """How the Secret fits, alone or together with the others that the workload names."""
        match = fit(wish.files, self.keys[secret])
        if match is Fit.LACKING and secret in self._together(wish).values():
            return Fit.EXACT
        return match

    def _alone(self, wish: Wish, secret: str) -> bool:
        return fit(wish.files, self.keys[secret]) is not Fit.LACKING

    def _together(self, wish: Wish) -> Mapping[str, str]:
        """By field, the Secret where the files of the wish come from several Secrets; empty where they do not."""
        keys = {name: self.keys[name] for name in wish.secrets}
        return (sources(wish.files, keys) if len(keys) > 1 else None) or {}

    def _lacking(self, wish: Wish) -> Mapping[str, str]:
        """The Secret that is meant for the files, though a data key is missing: the keys are told by a rule."""
        secret = next(name for name, first in self.first.items() if first is wish)
        return dict.fromkeys((field for field, _ in wish.files.items()), secret)

    def _claimed(self, wish: Wish, secret: str) -> bool:
        """Whether another workload of the namespace has the files of the wish from another Secret."""
        own, workloads = self.context.workload, self.context.view.workloads
        others = [one for one in workloads.of_namespace(own.namespace) if one.ref != own.ref]
        kin = {one.ref for one in workloads.using_secret(own.namespace, secret)}
        mounting = {one.ref for one in workloads.mounting([path for _, path in wish.files.items()])}
        if any(one.ref in mounting and one.ref not in kin for one in others):
            return True
        named = {name for one in others for name in read_declaration(one.template.annotations).secrets} - {secret}
        return any(fit(wish.files, keys) is Fit.EXACT for name in named if (keys := keys_of(self.context, name)))


def _ambiguous(context: WorkloadContext, wish: Wish, *, certain: bool) -> Obstacle:
    goal = wish.users[0].service.host
    if not wish.secrets:
        return Obstacle(
            annotation(context, DESTINATIONS),
            f"{goal} is named, and no Secret for its client certificate",
            f"add the annotation {CLIENT_SECRET} with the Secret's name",
        )
    rules = dict.fromkeys(str(user.rule.ref) for user in wish.users if wish.named and named_by(user))
    if len(rules) > 1:
        return _at_one_path(context, wish, list(rules), certain=certain)
    what = f"{next(iter(rules))} names several Secrets" if rules else "several Secrets are named"
    return Obstacle(
        annotation(context, CLIENT_SECRET),
        f"{what} for {goal}: {', '.join(wish.secrets[:4])}",
        f"annotate the DestinationRule with {CLIENT_SECRET}, or name one Secret",
        certain=certain,
    )


def _at_one_path(context: WorkloadContext, wish: Wish, rules: list[str], *, certain: bool) -> Obstacle:
    """DestinationRules that read the same paths, and name different Secrets for them."""
    path = next(path for _, path in wish.files.items())
    what = f"{' and '.join(rules[:3])} read {path} and name different Secrets: {', '.join(wish.secrets[:4])}"
    fix = f"let all but one of them read from another directory than {dirname(path)}"
    return Obstacle(annotation(context, CLIENT_SECRET), what, fix, certain=certain)


def _unusable(context: WorkloadContext, wish: Wish) -> Obstacle:
    """A DestinationRule of another namespace names a Secret that this namespace does not have."""
    rule = wish.users[0].rule.ref
    return Obstacle(
        context.pod.path,
        f"{rule} names Secret {', '.join(wish.secrets[:4])}, and {context.workload.namespace} has none with its files",
        f"if the workload calls {wish.users[0].service.host}, create the Secret and restart the workload",
        certain=False,
    )


def annotation(context: WorkloadContext, name: str) -> str:
    """The annotation where the wish is written, else where it could be."""
    prefix = f"{context.pod.path}.metadata" if context.pod.path else "metadata"
    return f'{prefix}.annotations["{name}"]'


def in_words(rivals: Rivals) -> tuple[str, str]:
    """What is said of them: the problem, and the fix."""
    more = len(rivals.hosts) - 3
    hosts = ", ".join(rivals.hosts[:3]) + (f" and {more} more" if more > 0 else "")
    which = "the first by name, for their age is not in view" if rivals.undated else "the oldest that fits best"
    several = f"{rivals.count} DestinationRules ({hosts})"
    problem = f'"{rivals.secret}" could be for {several} and is mounted for {rivals.rule}, {which}'
    return problem, f'say for which: annotation {DESTINATIONS}: "{rivals.hosts[0]}"'
