"""User mounts that nothing explains, and the file set for which each is probably meant.

Such a mount is either a mistake, or its DestinationRule has not been created yet; a second sign (`intent_evidence`)
decides between the two.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from posixpath import basename, commonprefix, dirname

from webhook.istio.injector.paths import normal
from webhook.model.material import SecretFacts
from webhook.model.mesh import DestinationRule, FileSet
from webhook.model.workload import Mount, Source, Volume
from webhook.trace.context import WorkloadContext
from webhook.trace.intent_evidence import (
    named_after,
    names_host,
    own_rule,
    places,
    provided_elsewhere,
    similar_path,
    strong,
    tied,
    weak_signs_count,
)
from webhook.trace.missing_file_sets import plain_missing
from webhook.trace.provided_files import ProvidedFiles, explained_mounts, serves_itself, sources_of

NEAR = 5
"""How many file sets a mount is compared with in detail, so that a mistake costs no more in a large cluster."""
Provided = Mapping[FileSet, ProvidedFiles]
_FOR_CLIENTS = frozenset({"clientAuth", "anyExtendedKeyUsage"})


@dataclass(frozen=True, slots=True)
class UnexplainedMount:
    """A user mount that nothing explains. secret: name of its first Secret. facts: of its Secrets that are in view.

    files: the file set that applies and for which the mount is most likely meant; None if it fits none.
    evident: a second sign shows that it is meant for these files, so that their absence is a fault.
    """

    mount: Mount
    volume: Volume | None
    secret: str
    facts: tuple[SecretFacts, ...]
    files: FileSet | None = None
    evident: bool = False


class MountCandidate:
    """A user mount with its Secrets, to be compared with file sets."""

    def __init__(
        self, context: WorkloadContext, provided: Provided, mount: Mount, *, explained_secrets: frozenset[str]
    ) -> None:
        """explained_secrets: names of the Secrets behind the mounts of the same pod that are explained."""
        self.context, self.provided, self.mount = context, provided, mount
        self.volume = volume = context.sidecar.volume(mount.name)
        self.shared = not explained_secrets.isdisjoint(_names(volume))
        """Whether its Secret also explains another mount, so that only strong signs count."""
        self.sources = [source for source in sources_of(volume) if source.kind == "secret" and source.name]
        named = ((source, context.view.secret(context.workload.namespace, source.name)) for source in self.sources)
        self.seen = tuple((source, facts) for source, facts in named if facts is not None)
        self.names = frozenset(name for source, facts in self.seen for name in _files_of(source, facts))
        self.credential = any(holds_client_credential(facts) for _, facts in self.seen)

    @property
    def empty(self) -> bool:
        """Whether the mount provides no file at all: its volume does not exist, or is an emptyDir."""
        return self.volume is None or self.volume.source.kind == "emptyDir"

    @property
    def malformed(self) -> bool:
        """Whether the volume is certainly a mistake: it does not exist, or names no source."""
        return self.volume is None or not self.volume.sources

    @property
    def incomplete(self) -> tuple[FileSet, ...]:
        """The file sets with a path below the mount that the user mounts do not provide in full."""
        partly = (files for files in self.provided.values() if not files.complete)
        return tuple(files.files for files in partly if self.mount in files.mounts)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the Secrets that are in view."""
        return tuple(source.name for source, _ in self.seen)

    def fits(self, files: FileSet) -> bool:
        """Whether the Secrets have every data key to which the file set refers."""
        return self.names.issuperset(basename(path) for _, path in self.context.view.mesh.used(files))

    def is_sign(self, files: FileSet) -> bool:
        """Whether the mount, with a second sign, shows that the workload means to use the files."""
        if self.fits(files) and strong(self.context, files, self.secrets):
            return True
        return self._weakly(files) and not provided_elsewhere(self.context, files)

    def points_at(self, rule: DestinationRule) -> bool:
        """Whether mount and second sign show that a DestinationRule is meant that does not apply to the workload.

        If it is of another namespace, a name has to point at its host: the same paths are no evidence for a
        DestinationRule that does not apply.
        """
        host = self.context.view.config.rules.host(rule)
        sets = (tls.files for tls in rule.settings() if tls.files.client_certificate and self._is_at(tls.files))
        if not any(self.empty or self.fits(files) for files in sets):
            return False
        if names_host(self.context, host):
            return True
        return not self.shared and weak_signs_count(self.context, [host]) and self.belongs_to(rule)

    def belongs_to(self, rule: DestinationRule) -> bool:
        """Whether the DestinationRule is of the same namespace, or Secret or volume are named after its host."""
        host, names = self.context.view.config.rules.host(rule), (*self.secrets, self.mount.name)
        same_namespace = rule.ref.namespace == self.context.workload.namespace
        return same_namespace or any(named_after(host, name) for name in names)

    def _weakly(self, files: FileSet) -> bool:
        hosts = (user.service.host for user in self.context.groups[files])
        if self.shared or not weak_signs_count(self.context, hosts):
            return False
        near, at_path = tied(self.context, files, (*self.secrets, self.mount.name)), self._is_at(files)
        if self.empty:
            return at_path and (near or self.malformed)
        if self.fits(files):
            optional = any(source.optional for source in self.sources)
            return at_path or (not optional and (near or similar_path(self.mount, files)))
        return at_path and (self._fits_pair(files) or (near and self._fits_some(files)))

    def _is_at(self, files: FileSet) -> bool:
        return normal(self.mount.mount_path) in places(files)

    def _fits_pair(self, files: FileSet) -> bool:
        """Whether certificate and private key are there, and only the CA or the revocation list is missing."""
        names = {basename(files.client_certificate), basename(files.private_key)}
        return bool(files.client_certificate) and self.names.issuperset(names)

    def _fits_some(self, files: FileSet) -> bool:
        return self.credential or any(basename(path) in self.names for _, path in files.items())

    def distance(self, files: FileSet) -> tuple[bool, int, int, str]:
        """How badly the mount fits the files: the least value is the most likely."""
        paths = [path for _, path in files.items()]
        unmet = sum(1 for path in paths if basename(path) not in self.names)
        alike = len(commonprefix([self.mount.mount_path, dirname(paths[0])]))
        return (not own_rule(self.context, self.context.groups[files]), unmet, -alike, paths[0])


def unexplained_mounts(candidates: Iterable[MountCandidate]) -> tuple[UnexplainedMount, ...]:
    """The unexplained mounts of a credential or at paths of a file set, with the file set for which each is meant.

    Two mounts are never meant for the same file set.
    """
    taken: set[FileSet] = set()
    mounts: list[UnexplainedMount] = []
    for candidate in candidates:
        if candidate.credential or candidate.incomplete:
            mount = _with_files(candidate, taken)
            mounts.append(mount)
            if mount.evident and mount.files is not None:
                taken.add(mount.files)
    return tuple(mounts)


def mount_candidates(context: WorkloadContext, provided: Provided) -> tuple[MountCandidate, ...]:
    """The user mounts that nothing explains and whose content is in view: an unknown Secret is no evidence."""
    if not context.has_sidecar:
        return ()
    explained = explained_mounts(context, provided)
    secrets = frozenset(_secrets(context, explained))
    candidates = (
        MountCandidate(context, provided, mount, explained_secrets=secrets)
        for mount in context.user_mounts
        if mount.mount_path not in explained
    )
    return tuple(candidate for candidate in candidates if candidate.seen or candidate.empty)


def _secrets(context: WorkloadContext, explained: frozenset[str]) -> Iterator[str]:
    """The Secrets behind the mounts that are explained."""
    for mount in context.user_mounts:
        if mount.mount_path in explained:
            yield from _names(context.sidecar.volume(mount.name))


def _names(volume: Volume | None) -> Iterator[str]:
    return (source.name for source in sources_of(volume) if source.kind == "secret")


def _files_of(source: Source, facts: SecretFacts) -> Iterable[str]:
    if source.items is None:
        return facts.keys
    return (item.path for item in source.items if item.key in facts.keys)


def _with_files(candidate: MountCandidate, taken: Collection[FileSet]) -> UnexplainedMount:
    """taken: file sets for which other mounts are meant; one with a path below this mount is still considered."""
    nearest = _likeliest(candidate, frozenset(taken).difference(candidate.incomplete))
    evident = next((files for files in nearest if candidate.is_sign(files)), None)
    files = evident or next(iter(nearest), None)
    facts = tuple(facts for _, facts in candidate.seen)
    secret = next(iter(candidate.secrets), "")
    return UnexplainedMount(candidate.mount, candidate.volume, secret, facts, files, evident is not None)


def _likeliest(candidate: MountCandidate, taken: Collection[FileSet]) -> tuple[FileSet, ...]:
    """File sets that apply and that the workload lacks, the most likely first."""
    context = candidate.context
    missing: Mapping[FileSet, object] = plain_missing(context).sets if candidate.credential else {}
    wanting = (files for files in missing if files.client_certificate and files in context.groups)
    lacking = dict.fromkeys((*candidate.incomplete, *wanting))
    complete = {files for files, by_mounts in candidate.provided.items() if by_mounts.complete}
    free = (files for files in lacking if files not in complete and files not in taken)
    usable = (files for files in free if not serves_itself(context, files))
    return tuple(nsmallest(NEAR, usable, key=candidate.distance))


def holds_client_credential(facts: SecretFacts) -> bool:
    """Whether the Secret has a private key of a client certificate; a sealed Secret is assumed to."""
    if facts.sealed:
        return True
    materials = tuple(facts.keys.values())
    certificates = (certificate for material in materials for certificate in material.certificates)
    certified = {
        leaf.public_key for leaf in certificates if leaf.usages is None or not _FOR_CLIENTS.isdisjoint(leaf.usages)
    }
    return any(key.public_key in certified for material in materials for key in material.keys if key.public_key)
