"""The picture of one workload: its sidecar, the sidecar's files, and every file that its Envoy is told to read.

Each part is worked out when a rule first asks for it. Judges nothing; that is what rules are for.
"""

from collections.abc import Mapping

from webhook.istio.injector.annotations import read_user_volumes
from webhook.istio.injector.decision import decide_injection
from webhook.istio.injector.mount_faults import FileFault, find_faults
from webhook.istio.injector.paths import is_plain
from webhook.istio.injector.proxy_filesystem import SidecarFiles, sidecar_files
from webhook.istio.pilot.client_config import Reach
from webhook.kinds.opt_in_annotations import read_declaration
from webhook.model.chain import (
    AnnotationFault,
    Answer,
    Chain,
    Credential,
    Declaration,
    Injection,
    Intent,
    Miss,
    Origination,
    UserVolumes,
)
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import ObjectRef
from webhook.model.injection_plan import NO_ADDITION, Addition
from webhook.model.material import CertificateFacts
from webhook.model.mesh import FileSet, Namespace
from webhook.model.occasion import STATE, Occasion
from webhook.model.workload import Mount, PodTemplate, Workload
from webhook.trace.annotation_entries import AnnotationEntries
from webhook.trace.cached import once
from webhook.trace.credentials import Held, Refused, ca_certificates, client_certificates, refused
from webhook.trace.intent import intents
from webhook.trace.intent_evidence import named_hosts, own_rule
from webhook.trace.mount_candidates import Stray, strays
from webhook.trace.near_misses import NearMiss, near_misses
from webhook.trace.not_applied import misses
from webhook.trace.provided_files import Supply, supplies
from webhook.trace.unprepared import Unprepared, unprepared
from webhook.trace.volume_contents import ViewContents
from webhook.view import ClusterView

_LEAVES_NAMES = frozenset({"unknown-field", "wrong-type", "mode-range", "required-field", "no-source", "two-sources"})
"""Faults in the annotations beside which every volume and mount is still known by its name."""
_ORDINARY = 100
"""Entries of two annotations that somebody wrote; what is longer and refused anyhow is not worth the time."""
_OF_NAMES = frozenset({"volume-not-found", "volume-not-mounted"})


class WorkloadPicture(AnnotationEntries):
    """Everything a rule may look at for one workload. Parts are computed once, on demand."""

    def __init__(
        self,
        workload: Workload,
        view: ClusterView,
        horizon: Horizon,
        addition: Addition = NO_ADDITION,
        occasion: Occasion = STATE,
    ) -> None:
        """The workload as this view shows the cluster now, on this occasion; with what injection added to it."""
        self.workload, self.addition, self.occasion = workload, addition, occasion
        self.view, self.horizon = view, horizon
        self.set_aside: frozenset[FileSet] = frozenset()  # for which no mount is taken to be meant

    @property
    def ref(self) -> ObjectRef:
        """The workload's reference, as findings name it."""
        return self.workload.ref

    @property
    def pod(self) -> PodTemplate:
        """The workload's pod template."""
        return self.workload.template

    @property
    def complete(self) -> bool:
        """Whether what is not in view does not exist."""
        return self.view.complete

    @once
    def namespace(self) -> Namespace:
        """The workload's namespace."""
        return self.view.namespace(self.workload.namespace)

    @once
    def injection(self) -> Injection:
        """Will the pod have a sidecar."""
        return decide_injection(self.pod, self.namespace, self.view.mesh)

    @property
    def has_sidecar(self) -> bool:
        """Whether a sidecar is not out of the question."""
        return self.injection.answer is not Answer.NO

    @once
    def user(self) -> UserVolumes:
        """What the two annotations say, with their faults."""
        return read_user_volumes(self.pod)

    @once
    def declaration(self) -> Declaration:
        """What our own annotations declare."""
        return read_declaration(self.pod.annotations)

    @once
    def sidecar(self) -> SidecarFiles:
        """The files of istio-proxy, as structure: mounts, volumes, sources."""
        return sidecar_files(self.pod, self.user, self.injection, self.view.mesh)

    @once
    def contents(self) -> ViewContents:
        """The Secrets and ConfigMaps of the namespace, as the sidecar's volumes ask for them."""
        return ViewContents(self.view, self.workload.namespace)

    @once
    def reach(self) -> Reach:
        """What the sidecars of this namespace are told."""
        return self.view.reach(self.workload.namespace, self.pod.labels)

    @once
    def groups(self) -> Mapping[FileSet, tuple[Origination, ...]]:
        """File sets that this pod's Envoy is told to read, each with the originations that use it."""
        return self.reach.groups(self.pod.labels)

    @once
    def supplies(self) -> Mapping[FileSet, Supply]:
        """What the user mounts provide of the file sets that apply and have a path below one of them."""
        return supplies(self)

    @once
    def named_hosts(self) -> frozenset[str]:
        """The hosts that the application's variables, arguments and ConfigMaps name."""
        return named_hosts(self)

    @once
    def strays(self) -> tuple[Stray, ...]:
        """User mounts that nothing explains, and for which file set each is probably meant."""
        return strays(self)

    @once
    def intents(self) -> Mapping[FileSet, Intent]:
        """The file sets that the workload means to use, and why; a set that is not in it is only reached."""
        return intents(self)

    @once
    def chains(self) -> tuple[Chain, ...]:
        """One chain per file of every intended file set, in the order certificate, key, CA, CRL.

        A path that cannot be a file's has none: that is a fault of the rule, and told of it. Nor has a CRL that is
        not used: whether it is there makes no difference.
        """
        wanted = ((files, *pair) for files in self.intents for pair in self.view.mesh.used(files))
        return tuple(self._chain(files, field, path) for files, field, path in wanted if is_plain(path))

    def _chain(self, files: FileSet, field: str, path: str) -> Chain:
        file = self.sidecar.resolve(path, self.contents)
        return Chain(field, path, files, self.groups[files], file)

    @once
    def credentials(self) -> tuple[Credential, ...]:
        """The chains again, one credential per file set."""
        held: dict[FileSet, dict[str, Chain]] = {}
        for chain in self.chains:
            held.setdefault(chain.files, {})[chain.field] = chain
        return tuple(
            Credential(
                files,
                certificate=chains.get("clientCertificate"),
                key=chains.get("privateKey"),
                ca=chains.get("caCertificates"),
                crl=chains.get("caCrl"),
            )
            for files, chains in held.items()
        )

    @once
    def refused(self) -> tuple[Refused, ...]:
        """Files at the ends of chains that the sidecar will not load."""
        return tuple(refused(self.credentials))

    @once
    def client_certificates(self) -> tuple[Held, ...]:
        """The certificates that the sidecar presents, leaf first."""
        return tuple(client_certificates(self))

    @once
    def ca_bundles(self) -> tuple[tuple[Chain, tuple[CertificateFacts, ...]], ...]:
        """The CA bundles that the sidecar verifies servers with."""
        return tuple(ca_certificates(self))

    @once
    def unprepared(self) -> Unprepared:
        """Rules that reach this sidecar without intent, and whose files it will not hold."""
        return unprepared(self)

    @once
    def misses(self) -> tuple[Miss, ...]:
        """Rules that mention files which this workload mounts for nothing, and why each is not in force."""
        return misses(self)

    @once
    def annotation_faults(self) -> tuple[AnnotationFault, ...]:
        """What is wrong in the two annotations; empty where no sidecar will be, or its template does not read them."""
        faults = self.user.faults
        return faults if faults and self.has_sidecar and self.injection.honours_annotations else ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """The lists that are longer than what is evaluated of them, in words."""
        return (*self.pod.left_out, *(one.detail for one in self.annotation_faults if one.kind == "left-out"))

    @once
    def mount_faults(self) -> tuple[FileFault, ...]:
        """What is wrong with mounts and volumes by structure.

        Where the annotations are refused as they are, only which mount and volume belong together, if every name is
        known: nobody should have to come back for that.
        """
        if not self.has_sidecar or not (self.sidecar.user.present or self.sidecar.own):
            return ()
        if not self.user.rejected:
            return find_faults(self.sidecar)
        names = (*(one.name for one in self.user.volumes), *(one.name for one in self.user.mounts))
        ordinary = len(names) <= _ORDINARY and all(names)
        named = ordinary and all(fault.kind in _LEAVES_NAMES for fault in self.user.faults)
        return tuple(fault for fault in find_faults(self.sidecar) if fault.kind in _OF_NAMES) if named else ()

    @once
    def near_misses(self) -> tuple[NearMiss, ...]:
        """What would prepare the sidecar, did it stand in the right place or under the right name."""
        return near_misses(self)

    @property
    def user_mounts(self) -> tuple[Mount, ...]:
        """Mounts of istio-proxy that a person wrote."""
        return self.sidecar.user_mounts

    @property
    def goal(self) -> str:
        """The destination to name in the first line of a refusal, '' when the workload means none."""
        sets = sorted(self.intents, key=lambda files: not own_rule(self, self.groups[files]))
        users = self.groups[sets[0]] if sets else ()
        return users[0].goal if users else next((miss.host for miss in self.misses), "")
