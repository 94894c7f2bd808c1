"""The picture of one workload: its facts, and everything that mtls-guard derives from them for the rules.

It judges nothing; that is done by the rules.
"""

from collections.abc import Mapping

from webhook.istio.injector.paths import is_plain
from webhook.model.chain import Chain, Credential, Intent, Miss
from webhook.model.material import CertificateFacts
from webhook.model.mesh import FileSet
from webhook.trace.cached import cached
from webhook.trace.context import WorkloadContext
from webhook.trace.credentials import LocatedCertificate, RefusedFile, ca_certificates, client_certificates, refused
from webhook.trace.intent import intents
from webhook.trace.intent_evidence import own_rule
from webhook.trace.mount_candidates import MountCandidate, UnexplainedMount, mount_candidates, unexplained_mounts
from webhook.trace.near_misses import NearMiss, near_misses
from webhook.trace.not_applied import misses
from webhook.trace.provided_files import ProvidedFiles, provided_files
from webhook.trace.unprepared import Unprepared, unprepared


class WorkloadPicture(WorkloadContext):
    """Everything that rules may ask about one workload. Each attribute is computed at its first use and kept."""

    @cached
    def provided_files(self) -> Mapping[FileSet, ProvidedFiles]:
        """By file set that applies and has a path below a user mount: the files that the mounts provide."""
        return provided_files(self)

    def awaits(self, files: FileSet) -> bool:
        """Whether the user mounts provide the file set only once a Secret or ConfigMap behind them exists."""
        return files in self.provided_files and self.provided_files[files].pending

    @cached
    def mount_candidates(self) -> tuple[MountCandidate, ...]:
        """User mounts that nothing explains and whose content is in view."""
        return mount_candidates(self, self.provided_files)

    @cached
    def unexplained_mounts(self) -> tuple[UnexplainedMount, ...]:
        """Mounts of a credential, or at the paths of a file set, and the file set for which each is probably meant."""
        return unexplained_mounts(self.mount_candidates)

    @cached
    def intents(self) -> Mapping[FileSet, Intent]:
        """The file sets that the workload means to use, and why; the other sets that apply are not intended."""
        return intents(self, self.provided_files, self.unexplained_mounts)

    @cached
    def chains(self) -> tuple[Chain, ...]:
        """One chain per file of every intended file set, in the order certificate, private key, CA, CRL.

        There is none for a path that cannot be the path of a file, which is a fault of the DestinationRule, and none
        for a CRL that Envoy does not use.
        """
        paths = ((files, *field_and_path) for files in self.intents for field_and_path in self.view.mesh.used(files))
        return tuple(self._chain(files, field, path) for files, field, path in paths if is_plain(path))

    def _chain(self, files: FileSet, field: str, path: str) -> Chain:
        file = self.sidecar.resolve(path, self.contents)
        return Chain(field, path, files, self.groups[files], file)

    @cached
    def credentials(self) -> tuple[Credential, ...]:
        """The chains, grouped to one credential per file set."""
        by_set: dict[FileSet, dict[str, Chain]] = {}
        for chain in self.chains:
            by_set.setdefault(chain.files, {})[chain.field] = chain
        return tuple(
            Credential(
                files,
                certificate=chains.get("clientCertificate"),
                key=chains.get("privateKey"),
                ca=chains.get("caCertificates"),
                crl=chains.get("caCrl"),
            )
            for files, chains in by_set.items()
        )

    @cached
    def refused(self) -> tuple[RefusedFile, ...]:
        """Files at the ends of chains that the sidecar fails to load."""
        return tuple(refused(self.credentials))

    @cached
    def client_certificates(self) -> tuple[LocatedCertificate, ...]:
        """The certificates that the sidecar presents, leaf first."""
        return tuple(client_certificates(self.credentials, self.unexplained_mounts))

    @cached
    def ca_bundles(self) -> tuple[tuple[Chain, tuple[CertificateFacts, ...]], ...]:
        """The CA bundles that the sidecar verifies servers with."""
        return tuple(ca_certificates(self.credentials))

    @cached
    def unprepared(self) -> Unprepared:
        """DestinationRules that apply to this sidecar without intent, and whose files it lacks."""
        return unprepared(self, self.intents, self.near_misses)

    @cached
    def misses(self) -> tuple[Miss, ...]:
        """DestinationRules that this workload means, and why each of them does not apply to it."""
        return misses(self, self.mount_candidates)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The lists that are too long to be evaluated completely, in words."""
        return (*self.pod.left_out, *(fault.detail for fault in self.annotation_faults if fault.kind == "left-out"))

    @cached
    def near_misses(self) -> tuple[NearMiss, ...]:
        """Annotations, volumes and mounts that would provide the files in another place or with another name."""
        return near_misses(self, self.intents)

    @property
    def goal(self) -> str:
        """The destination to name in the first line of a refusal, '' when the workload means none."""
        sets = sorted(self.intents, key=lambda files: not own_rule(self, self.groups[files]))
        users = self.groups[sets[0]] if sets else ()
        return users[0].goal if users else next((miss.host for miss in self.misses), "")
