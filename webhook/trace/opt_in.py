"""What a workload asks injection for: the file sets that it opts in to, and the Secret that each is to come from.

Opting in is `design.md`, section 5: the workload names Secrets, or says `inject` where a DestinationRule names one.
What is then added to the pod is left to `addition`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import basename
from typing import TYPE_CHECKING

from webhook.istio.paths import is_plain
from webhook.kinds.declaration import CLIENT_SECRET, DESTINATIONS, INJECT
from webhook.model.addition import Obstacle
from webhook.model.chain import Origination
from webhook.model.mesh import FileSet

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture


@dataclass(frozen=True, slots=True)
class Wish:
    """A file set that the workload opts in to. secrets: the candidates for its source; one, where all is clear."""

    files: FileSet
    users: tuple[Origination, ...]
    secrets: tuple[str, ...]


def opts_in(picture: "WorkloadPicture") -> bool:
    """Whether the workload asks for injection, by itself or through the label of its namespace."""
    declared = picture.declaration
    return not declared.opted_out and bool(declared.secrets or declared.inject or asked_by_namespace(picture))


def wishes(picture: "WorkloadPicture") -> tuple[Wish, ...]:
    """What the workload opts in to, certain or not; a file set that cannot be mounted anywhere is left out."""
    if not (picture.has_sidecar and opts_in(picture)):
        return ()
    mountable = {
        files: users
        for files, users in picture.groups.items()
        if all(is_plain(path) and "~" not in path for _, path in files.items())
    }
    found = (_wish(picture, files, users) for files, users in mountable.items())
    return tuple(wish for wish in found if wish is not None)


def settle(picture: "WorkloadPicture", asked: tuple[Wish, ...]) -> Iterator[tuple[Wish, str] | Obstacle]:
    """Each wish with its one Secret, or what keeps it from having one; no word of those that others outdo."""
    unnamed = [wish for wish in asked if not _names(wish)]
    for wish in asked:
        if wish in unnamed and _outdone(picture, wish, unnamed):
            continue
        fitting = _fitting(picture, wish)
        if len(fitting) == 1 and (_names(wish) or not _rivals(picture, wish, fitting[0], unnamed)):
            yield wish, fitting[0]
        elif len(fitting) == 1:
            yield _ambiguous_rule(picture, wish, fitting[0], unnamed)
        else:
            yield _ambiguous_secret(picture, wish)


def asked_by_namespace(picture: "WorkloadPicture") -> bool:
    """Whether the namespace asks for all its workloads, and this one does not decline."""
    return not picture.declaration.opted_out and picture.namespace.labels.get(INJECT) == "true"


def _wish(picture: "WorkloadPicture", files: FileSet, users: tuple[Origination, ...]) -> Wish | None:
    """The wish for one file set, None when the workload does not ask for it."""
    declared = picture.declaration
    chosen = tuple(one for one in users if one.service.host in declared.destinations)
    if declared.destinations and not chosen:
        return None
    named = tuple(dict.fromkeys(name for one in chosen or users if (name := _named(one))))
    if not declared.secrets:
        return Wish(files, chosen or users, named) if named or declared.destinations else None
    both = tuple(name for name in named if name in declared.secrets)
    if not both and named and (declared.inject or asked_by_namespace(picture)):
        both = named
    if both or (named and not chosen):
        return Wish(files, chosen or users, both) if both else None
    return Wish(files, chosen or users, declared.secrets) if files.client_certificate or chosen else None


def _named(user: Origination) -> str:
    return user.rule.annotations.get(CLIENT_SECRET, "").strip()


def _names(wish: Wish) -> bool:
    """Whether the rule itself names a candidate."""
    return any(_named(user) in wish.secrets for user in wish.users)


def _fitting(picture: "WorkloadPicture", wish: Wish) -> tuple[str, ...]:
    """The candidates; of several, those whose keys are the files' names, if any are."""
    if len(wish.secrets) < 2:
        return wish.secrets
    return tuple(name for name in wish.secrets if _holds(picture, name, wish.files)) or wish.secrets


def _holds(picture: "WorkloadPicture", secret: str, files: FileSet) -> bool:
    facts = picture.view.secret(picture.workload.namespace, secret)
    return facts is not None and all(basename(path) in facts.keys for _, path in files.items())


def _rivals(picture: "WorkloadPicture", wish: Wish, secret: str, unnamed: list[Wish]) -> list[Wish]:
    """Other wishes that could be meant by the same Secret, as well as this one: nobody said a destination."""
    if picture.declaration.destinations:
        return []
    others = [one for one in unnamed if one is not wish and secret in one.secrets]
    if _holds(picture, secret, wish.files):
        return [one for one in others if _holds(picture, secret, one.files)]
    return others


def _outdone(picture: "WorkloadPicture", wish: Wish, unnamed: list[Wish]) -> bool:
    """Whether each Secret has the keys of another wish, and none those of this one: nobody said a destination."""
    if picture.declaration.destinations or any(_holds(picture, name, wish.files) for name in wish.secrets):
        return False
    others = [one for one in unnamed if one is not wish]
    return all(any(_holds(picture, name, one.files) for one in others) for name in wish.secrets)


def _ambiguous_rule(picture: "WorkloadPicture", wish: Wish, secret: str, unnamed: list[Wish]) -> Obstacle:
    others = _rivals(picture, wish, secret, unnamed)
    users = [one for each in (wish, *others) for one in each.users]
    users.sort(key=lambda one: one.rule.ref.namespace != picture.workload.namespace)  # the likeliest first
    hosts = list(dict.fromkeys(one.service.host for one in users))
    said = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    return Obstacle(
        _annotation(picture, CLIENT_SECRET),
        f'"{secret}" could be the client Secret for {said}',
        f'say which: annotation {DESTINATIONS}: "{hosts[0]}"',
    )


def _ambiguous_secret(picture: "WorkloadPicture", wish: Wish) -> Obstacle:
    goal = wish.users[0].service.host
    if not wish.secrets:
        return Obstacle(
            _annotation(picture, DESTINATIONS),
            f"{goal} is named, and no Secret for its client certificate",
            f"add the annotation {CLIENT_SECRET} with the Secret's name",
        )
    rules = " and ".join(dict.fromkeys(str(user.rule.ref) for user in wish.users if _named(user)))
    what = f"{rules} name several Secrets" if rules else "several Secrets are named"
    return Obstacle(
        _annotation(picture, CLIENT_SECRET),
        f"{what} for {goal}: {', '.join(wish.secrets[:4])}",
        f"annotate the DestinationRule with {CLIENT_SECRET}, or name one Secret",
    )


def _annotation(picture: "WorkloadPicture", name: str) -> str:
    """The annotation where the wish is written, else where it could be."""
    prefix = f"{picture.pod.path}.metadata" if picture.pod.path else "metadata"
    return f'{prefix}.annotations["{name}"]'
