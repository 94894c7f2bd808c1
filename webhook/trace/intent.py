"""Which of the rules that reach a workload it means to use (`design.md`, section 4, "Intent").

A rule reaches every sidecar that sees its host, also hundreds that never call it; only what a workload means can be
refused. Says why it holds so; leaves to rules what follows from it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from posixpath import basename, commonprefix, dirname
from typing import TYPE_CHECKING

from webhook.istio.paths import is_possible
from webhook.istio.sidecar_files import sidecar_files
from webhook.model.chain import Answer, Injection, Intent, UserVolumes
from webhook.model.material import SecretFacts
from webhook.model.mesh import FileSet
from webhook.model.workload import Mount, PodTemplate, Source, Volume
from webhook.trace.choice import choose
from webhook.trace.opt_in import named_by, opts_in

if TYPE_CHECKING:
    from webhook.trace.workload import WorkloadPicture

_SPARE = 500
"""Answers kept for no file set in force, beside as many as are: what a moment of change takes away may come back."""
NEAR = 5
"""How many file sets a stray mount is compared with by name, so that a mistake costs no more in a large cluster."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A user mount that serves no rule in force, and what it was probably meant to serve.

    secret: name of the Secret behind the mount. found: its facts, None when it is not in view. candidates: file sets
    in force whose files are missing, those first that nobody else serves, then the likeliest; empty when nothing in
    force is missing its files.
    claimed: other workloads in view serve each candidate, from another Secret: none may be this workload's business,
    and its own rule be on its way.
    """

    mount: Mount
    volume: Volume | None
    secret: str
    found: SecretFacts | None
    candidates: tuple[FileSet, ...] = ()
    claimed: bool = False


def intents(picture: "WorkloadPicture") -> Mapping[FileSet, Intent]:
    """The file sets in force that the workload means to use; declared before selected before evident."""
    found: dict[FileSet, Intent] = {}
    if not picture.has_sidecar or not picture.groups:
        return found
    for files in _declared(picture):
        found[files] = Intent.DECLARED
    for files in picture.reach.selected(picture.pod.labels):
        found.setdefault(files, Intent.SELECTED)
    for files in served(picture):
        found.setdefault(files, Intent.EVIDENT)
    for stray in picture.strays:
        if stray.candidates and not stray.claimed:
            found.setdefault(stray.candidates[0], Intent.EVIDENT)
    return found


def served(picture: "WorkloadPicture") -> Iterator[FileSet]:
    """File sets in force of which at least one path lies under a user mount."""
    for mount in picture.user_mounts:
        for files in picture.reach.under(mount.mount_path):
            if files in picture.groups:
                yield files


def strays(picture: "WorkloadPicture") -> tuple[Stray, ...]:
    """User mounts of a client credential, or of a Secret that cannot be found, that serve no rule in force."""
    if not picture.has_sidecar:
        return ()
    idle = [mount for mount in picture.user_mounts if not _serves(picture, mount)]
    found = (_stray(picture, mount) for mount in idle)
    return tuple(stray for stray in found if stray is not None)


def _serves(picture: "WorkloadPicture", mount: Mount) -> bool:
    return any(files in picture.groups for files in picture.reach.under(mount.mount_path))


def _stray(picture: "WorkloadPicture", mount: Mount) -> Stray | None:
    volume = picture.sidecar.volume(mount.name)
    secret = _secret_of(volume.source) if volume is not None else ""
    if volume is not None and not secret:
        return None
    facts = picture.view.secret(picture.workload.namespace, secret) if secret else None
    if picture.is_unreadable(secret) if facts is None else not holds_client_credential(facts):
        return None
    taken = {files: claimed(picture, files, secret) for files in _likeliest(picture, mount, facts)}
    candidates = tuple(sorted(taken, key=taken.__getitem__))
    return Stray(mount, volume, secret, facts, candidates, bool(candidates) and taken[candidates[0]])


def _secret_of(source: Source) -> str:
    if source.kind == "secret":
        return source.name
    return next((part.name for part in source.parts if part.kind == "secret"), "")


def holds_client_credential(facts: SecretFacts) -> bool:
    """Whether the Secret holds a private key that fits a certificate in it; one whose bytes are to come may."""
    if facts.sealed:
        return True
    materials = tuple(facts.keys.values())
    certified = {certificate.public_key for one in materials for certificate in one.certificates}
    return any(key.public_key in certified for one in materials for key in one.keys if key.public_key)


def _likeliest(picture: "WorkloadPicture", mount: Mount, facts: SecretFacts | None) -> tuple[FileSet, ...]:
    """File sets in force that this plain sidecar lacks, ordered by how well the mount would fit them."""
    missing = plain_missing(picture)
    names = frozenset(facts.keys) if facts is not None else frozenset()
    wanting = (files for files in missing.sets if files.client_certificate)
    return tuple(nsmallest(NEAR, wanting, key=lambda files: _distance(files, mount, names)))


def _distance(files: FileSet, mount: Mount, keys: frozenset[str]) -> tuple[int, int, str]:
    wanted = [path for _, path in files.items()]
    unmet = sum(1 for path in wanted if basename(path) not in keys) if keys else 0
    alike = len(commonprefix([mount.mount_path, dirname(wanted[0])]))
    return (unmet, -alike, wanted[0])


def claimed(picture: "WorkloadPicture", files: FileSet, secret: str = "") -> bool:
    """Whether another workload in view mounts something for the file set, so that it may be meant for that one.

    secret: what this workload mounts; one that serves the files from the same Secret speaks for it, not against.
    """
    own, workloads = picture.workload, picture.view.workloads
    serving = {one.ref for one in workloads.mounting([path for _, path in files.items()])} - {own.ref}
    kin = workloads.using_secret(own.namespace, secret) if serving and secret else ()
    return bool(serving) and not any(one.ref in serving for one in kin)


def _declared(picture: "WorkloadPicture") -> Iterator[FileSet]:
    """File sets of which the workload names the host or the Secret, or whose DestinationRule names one for it."""
    declaration = picture.declaration
    if not (declaration.secrets or declaration.destinations or opts_in(picture)):
        return
    for files, users in picture.groups.items():
        if any(user.service.host in declaration.destinations for user in users):
            yield files
    if not declaration.destinations and any(named_by(user) for users in picture.groups.values() for user in users):
        yield from (one.wish.files for one in choose(picture).chosen if one.wish.named)


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a sidecar without own mounts lacks: file sets with the number of rules behind each, and rules in all."""

    sets: Mapping[FileSet, int]
    rules: int


def plain_missing(picture: "WorkloadPicture") -> Lacking:
    """The file sets of the namespace that a sidecar without own mounts lacks; worked out once per reach."""
    key = "plain missing"
    known: Lacking | None = picture.reach.derived.get(key)
    if known is None:
        known = picture.reach.derived[key] = _plain_missing(picture)
    return known


def _plain_missing(picture: "WorkloadPicture") -> Lacking:
    lacks = _bare(picture)
    lost = {
        files: {user.rule.ref for user in users} for files, users in picture.reach.groups({}).items() if lacks(files)
    }
    return Lacking({files: len(refs) for files, refs in lost.items()}, len(set().union(*lost.values())))


def _bare(picture: "WorkloadPicture") -> Callable[[FileSet], bool]:
    """Tells of a file set whether a sidecar without own mounts lacks a file of it; the answers are kept.

    Such a sidecar holds nothing of a Secret or ConfigMap that somebody may change.
    """
    known: dict[FileSet, bool] = picture.view.lasting.setdefault("bare lacks", {})
    present = picture.reach.groups({})
    if len(known) > 2 * len(present) + _SPARE:  # the others may be of rules that have gone
        for files in [one for one in known if one not in present]:
            del known[files]
    bare = sidecar_files(PodTemplate("", {}, {}), UserVolumes(), Injection(Answer.YES, ""), picture.view.mesh)

    def lacks(files: FileSet) -> bool:
        """The answer for one file set."""
        answer = known.get(files)
        if answer is None:
            absent = any(bare.resolve(path, picture.contents).absent for _, path in picture.view.mesh.used(files))
            answer = absent
            if all(is_possible(path) for _, path in files.items()):
                known[files] = absent
        return answer

    return lacks


def missing_by_names(picture: "WorkloadPicture") -> Mapping[frozenset[str], tuple[FileSet, ...]]:
    """The file sets with a client certificate that a plain sidecar lacks, by the names of their files."""
    key = "missing by names"
    known: Mapping[frozenset[str], tuple[FileSet, ...]] | None = picture.reach.derived.get(key)
    if known is None:
        found: dict[frozenset[str], list[FileSet]] = {}
        for files in plain_missing(picture).sets:
            if files.client_certificate:
                found.setdefault(frozenset(basename(path) for _, path in files.items()), []).append(files)
        known = picture.reach.derived[key] = {names: tuple(held) for names, held in found.items()}
    return known
