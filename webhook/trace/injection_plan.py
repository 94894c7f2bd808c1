"""Plans what injection adds to a pod template, so that the sidecar holds the files that the workload opted in to.

Everything at once or nothing: with one obstacle the template is left as it is, and the obstacle says why; only what a
DestinationRule of another namespace wants gives way. Which files and Secrets are meant is decided by `choice`; the plan
becomes a JSON Patch in the package `inject`.

No volume gets a mode: Kubernetes' own, 0644, is one that istio-proxy (user 1337) reads with and without an fsGroup.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from posixpath import basename, dirname

from webhook.istio.injector import defaults
from webhook.istio.injector.merge import absolute
from webhook.kinds.opt_in_annotations import also_mounted
from webhook.model.injection_plan import NO_ADDITION, AddedMount, AddedVolume, Addition, Obstacle
from webhook.model.workload import KeyToPath
from webhook.trace.context import WorkloadContext
from webhook.trace.data_keys import key_for, keys_of
from webhook.trace.injected_template import written
from webhook.trace.injected_volumes import added_volume
from webhook.trace.injection_awaited import awaited
from webhook.trace.injection_request import Wish, opts_in
from webhook.trace.istio_directories import in_istio, is_covered
from webhook.trace.secret_choice import Choice, Chosen, choose

ANNOTATION_BYTES = 262_144
"""All annotations of an object together; the API server refuses more (apimachinery, TotalAnnotationSizeLimitB)."""
_PAIR = ("clientCertificate", "privateKey")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One file to come: where, and from which key of which Secret. rule: who reads it, in words.

    held: whether the Secret has the key; None when it is not in view. named: `items` demand the key, so that a Pod
    waits for a Secret that has it, where otherwise it would start without the file. foreign: only a DestinationRule of
    another namespace wants it.
    """

    field: str
    path: str
    secret: str
    key: str
    rule: str
    held: bool | None
    named: bool
    foreign: bool


def plan(context: WorkloadContext) -> Addition:
    """What is to be added to the workload's pod template; NO_ADDITION when it does not ask.

    context: of the workload without what mtls-guard added before (`own_entries`).
    """
    if not opts_in(context):
        return NO_ADDITION
    if not context.has_sidecar or context.user.rejected:
        return Addition(opted_in=True, refused=context.has_sidecar)  # the validator says what is wrong there
    choice = choose(context)
    pieces, obstacles = _gathered(context, choice)
    if any(one.certain for one in obstacles):
        return Addition(opted_in=True, obstacles=obstacles, rivals=choice.rivals)
    built = _assembled(context, pieces)
    own = [piece for piece in pieces if not piece.foreign]
    if built.obstacles and own and len(own) < len(pieces):
        obstacles = (*obstacles, *(replace(one, certain=False) for one in built.obstacles))
        built = _assembled(context, own)
    guessed = [one for one in choice.chosen if one.guessed]
    return replace(
        built,
        obstacles=(*built.obstacles, *obstacles),
        rivals=choice.rivals,
        awaited=tuple(awaited(context, choice)),
        guessed=frozenset(one.wish.files for one in guessed),
        unseen=any(_unseen(context, name) for one in guessed for name in one.secrets.values()),
        absent=any(_unseen(context, name) for name in choice.secrets),
    )


def _gathered(context: WorkloadContext, choice: Choice) -> tuple[list[_Piece], tuple[Obstacle, ...]]:
    """The files to come, and the obstacles; what another namespace wants comes last, and gives way."""
    pieces: dict[str, list[_Piece]] = {}
    obstacles = [*choice.obstacles]
    for chosen in choice.chosen:
        wanted = _pieces(context, chosen)
        scattered = list(_scattered(context, wanted))
        wanted = _with_further(context, chosen.wish, wanted)
        faults = [*scattered, *_conflicts(context, pieces, wanted), *_hiding(context, wanted)]
        obstacles.extend(replace(one, certain=one.certain and not chosen.wish.foreign) for one in faults)
        for piece in wanted if not faults else ():
            pieces.setdefault(piece.path, []).append(piece)
    return [piece for each in pieces.values() for piece in each], tuple(dict.fromkeys(obstacles))


def _lacking(context: WorkloadContext, wish: Wish) -> list[tuple[str, str]]:
    """The fields and paths of the wish that no mount and no image covers; the others are somebody's own."""
    places = ((field, path, context.sidecar.place(path)) for field, path in wish.files.items())
    return [(field, path) for field, path, place in places if not is_covered(place)]


def _pieces(context: WorkloadContext, chosen: Chosen) -> list[_Piece]:
    rule = str(chosen.wish.users[0].rule.ref)
    pieces: list[_Piece] = []
    for field, path in _lacking(context, chosen.wish):
        secret = chosen.secrets[field]
        keys = keys_of(context, secret)
        key = key_for(field, basename(path), keys or frozenset())
        unseen, foreign = _unseen(context, secret), chosen.wish.foreign
        held, named = None if unseen else key in (keys or ()), context.complete and unseen
        pieces.append(_Piece(field, absolute(path), secret, key, rule, held, named, foreign))
    return pieces


def _with_further(context: WorkloadContext, wish: Wish, pieces: list[_Piece]) -> list[_Piece]:
    """The files also where a DestinationRule wants them besides, while its paths move from one directory to another."""
    if len({dirname(absolute(path)) for _, path in wish.files.items()}) != 1:
        return pieces
    directories = [place for user in wish.users for place in also_mounted(user.rule.annotations)]
    further = (replace(piece, path=f"{place}/{basename(piece.path)}") for place in directories for piece in pieces)
    free = (piece for piece in further if context.sidecar.place(piece.path).mount is None)
    return list({piece.path: piece for piece in (*pieces, *free)}.values())


def _unseen(context: WorkloadContext, secret: str) -> bool:
    return context.view.secret(context.workload.namespace, secret) is None


def _scattered(context: WorkloadContext, pieces: list[_Piece]) -> Iterator[Obstacle]:
    """Files of one rule in several directories, unless the Secrets plainly have what belongs into each.

    A certificate that is not beside its key comes, more often than not, from another Secret than the key does.
    """
    places = list(dict.fromkeys(dirname(piece.path) for piece in pieces))
    split = len({dirname(piece.path) for piece in pieces if piece.field in _PAIR}) > 1
    lacks = [piece for piece in pieces if piece.held is False]
    if len(places) < 2 or not (split or lacks):
        return
    why = "" if split else f', and Secret "{lacks[0].secret}" holds no "{lacks[0].key}"'
    yield Obstacle(
        context.pod.path,
        f"{pieces[0].rule} reads its files from {len(places)} directories: {', '.join(places[:4])}{why}",
        "let the rule read all of them from one directory, or mount them by hand",
    )


def _conflicts(
    context: WorkloadContext, accepted: Mapping[str, list[_Piece]], pieces: list[_Piece]
) -> Iterator[Obstacle]:
    """Two sources for one path."""
    own: dict[str, _Piece] = {}
    for piece in pieces:
        first = next(iter(accepted.get(piece.path, ())), own.setdefault(piece.path, piece))
        if (first.secret, first.key) != (piece.secret, piece.key):
            yield Obstacle(
                context.pod.path,
                f'{first.rule} and {piece.rule} want {piece.path} from "{first.secret}" and from "{piece.secret}"',
                "let one of the rules read another path",
            )


def _hiding(context: WorkloadContext, pieces: list[_Piece]) -> Iterator[Obstacle]:
    """Directories of Istio, and those whose mount would hide what the sidecar needs."""
    yield from in_istio(context, [(piece.rule, piece.path) for piece in pieces])
    for directory in dict.fromkeys(dirname(piece.path) for piece in pieces):
        names = {basename(piece.path) for piece in pieces if dirname(piece.path) == directory}
        if directory in defaults.DIRECTORIES or names & {*defaults.IDENTITY_FILES.get(directory, ())}:
            yield Obstacle(
                context.pod.path,
                f"a mount at {directory}, where {pieces[0].rule} reads, would hide files that the sidecar needs",
                "let the rule read from a directory of its own, as /etc/mtlsfiles",
            )


def _assembled(context: WorkloadContext, pieces: list[_Piece]) -> Addition:
    """The volumes and mounts for the pieces: one mount per directory."""
    volumes: dict[str, AddedVolume] = {}
    mounts: list[AddedMount] = []
    for directory in dict.fromkeys(dirname(piece.path) for piece in pieces):
        here = [piece for piece in pieces if dirname(piece.path) == directory]
        volume = added_volume(_by_secret(here), every_key=_is_plain(here))
        volumes[volume.name] = volume
        mounts.append(AddedMount(volume.name, directory))
    addition = Addition(opted_in=True, volumes=tuple(volumes.values()), mounts=tuple(mounts), in_spec=in_spec(context))
    return _limited(context, addition)


def _by_secret(pieces: list[_Piece]) -> tuple[tuple[str, tuple[KeyToPath, ...]], ...]:
    """The Secrets of one directory, each with the files that come from it."""
    files: dict[str, dict[str, KeyToPath]] = {}
    for piece in pieces:
        files.setdefault(piece.secret, {})[piece.path] = KeyToPath(piece.key, basename(piece.path))
    return tuple((secret, tuple(items.values())) for secret, items in files.items())


def _is_plain(pieces: list[_Piece]) -> bool:
    """Whether the Secret can be mounted without `items`: one Secret, no other names, and no key to wait for."""
    alone = len({piece.secret for piece in pieces}) == 1
    return alone and all(piece.key == basename(piece.path) and not piece.named for piece in pieces)


def _limited(context: WorkloadContext, addition: Addition) -> Addition:
    """The addition, unless the annotations would become longer than the API server takes."""
    if addition.in_spec or not addition:
        return addition
    annotations = written(context.pod, addition).annotations
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size <= ANNOTATION_BYTES:
        return addition
    problem = f"with what injection adds, the annotations have {size} bytes, and {ANNOTATION_BYTES} are allowed"
    return Addition(opted_in=True, obstacles=(Obstacle(context.pod.path, problem, "shorten the annotations"),))


def in_spec(context: WorkloadContext) -> bool:
    """Whether the pod spec has to hold the volumes: gateways and a finished istio-proxy read no annotation."""
    return context.injection.manual or not context.injection.honours_annotations
