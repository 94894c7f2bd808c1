"""The words of a picture: will there be a sidecar, what will it hold, which files is its Envoy told to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from webhook.model.finding import ObjectRef
from webhook.model.material import Material
from webhook.model.mesh import DestinationRule, FileSet, Service, ServicePort, TlsSettings
from webhook.model.workload import Mount, Source, Volume


class Answer(StrEnum):
    """Three-valued: what we can prove, and what we cannot."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Injection:
    """Whether the pod will have a sidecar, and why, in words that stand in a finding.

    path: the label, annotation or field that decided ('' when it was the namespace). templates: the injection
    templates in order. native: whether istio-proxy is a native sidecar. gateway: the proxy is an injected gateway.
    honours_annotations: whether a template of the list reads userVolume and userVolumeMount.
    manual: istio-proxy already stands in the manifest (kube-inject, or a Pod after injection).
    refused: why the injector refuses the pod whatever its volumes say (a template that does not exist), else ''.
    open_shift: user ids come from the namespace, so that file modes cannot be judged.
    """

    answer: Answer
    reason: str
    path: str = ""
    templates: tuple[str, ...] = ("sidecar",)
    native: bool | None = None
    gateway: bool = False
    honours_annotations: bool = True
    manual: bool = False
    refused: str = ""
    open_shift: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationFault:
    """One thing wrong in userVolume or userVolumeMount, as the reader of the annotations saw it.

    kind: one of `not-json`, `not-a-list`, `empty`, `entry-not-an-object`, `wrong-type`, `unknown-field`,
    `unnamed`, `no-source`, `two-sources`, `invalid-name`, `required-field`, `mode-range`, `left-out` (more
    entries than are evaluated).
    path: of the annotation, with index or key (`spec.template.metadata.annotations["..."][0].secret.optional`).
    rejects: whether Istio's injector or the API server then refuses the Pod. detail: quotes value and reason.
    field: the key concerned; suggestion: what it was probably meant to be ('' if no guess).
    """

    kind: str
    annotation: str
    path: str
    detail: str
    rejects: bool
    field: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class UserVolumes:
    """What userVolume and userVolumeMount say, with everything wrong in them.

    volumes, mounts: those that could be read. rejected: the Pod will be refused, nothing is mounted at all.
    """

    volumes: tuple[Volume, ...] = ()
    mounts: tuple[Mount, ...] = ()
    faults: tuple[AnnotationFault, ...] = ()
    present: frozenset[str] = frozenset()

    @property
    def rejected(self) -> bool:
        """Whether at least one fault makes the injector or the API server refuse the Pod."""
        return any(fault.rejects for fault in self.faults)


class FileState(StrEnum):
    """What the sidecar will find at a path."""

    PRESENT = "present"
    BUILT_IN = "built-in"  # part of the image or of Istio's own mounts
    UNKNOWN = "unknown"  # a volume type whose content nobody can see from outside
    NOT_IN_INPUT = "not-in-input"  # a Secret or ConfigMap that a partial view does not hold
    NO_MOUNT = "no-mount"  # no mount of istio-proxy covers the path
    NO_SOURCE = "no-source"  # the volume is empty: emptyDir, or the mount's volume does not exist
    NO_OBJECT = "no-object"  # the Secret or ConfigMap does not exist
    NO_KEY = "no-key"  # the object lacks the key (or `items` does not make the file)
    BEHIND_SUB_PATH = "behind-sub-path"  # subPath makes the mount one file, or an empty directory
    DIRECTORY = "directory"  # the path is a directory there
    UNREADABLE = "unreadable"  # the mode keeps istio-proxy out


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """Path -> mount -> volume -> source -> key -> facts, as far as the chain goes.

    object: the Secret or ConfigMap that the file comes from, if it got that far. key: of that object.
    items: whether `items` of the source decide the file names. mode: decimal, as the file will have it.
    """

    path: str
    state: FileState
    mount: Mount | None = None
    volume: Volume | None = None
    source: Source | None = None
    object: ObjectRef | None = None
    key: str = ""
    material: Material | None = None
    mode: int | None = None
    reason: str = ""

    @property
    def absent(self) -> bool:
        """Whether the agent will certainly not be able to read the file."""
        return self.state not in (FileState.PRESENT, FileState.BUILT_IN, FileState.UNKNOWN, FileState.NOT_IN_INPUT)


@dataclass(frozen=True, slots=True)
class Origination:
    """A DestinationRule's tls block in force for one service port and subset of one client namespace.

    rule: the rule whose tls block it is (after merging, not always the one looked up first).
    """

    rule: DestinationRule
    service: Service
    port: ServicePort
    subset: str
    tls: TlsSettings

    @property
    def goal(self) -> str:
        """Host and port, as a person names the destination: `external.system.com:443`."""
        return f"{self.service.host}:{self.port.number}"


class Intent(StrEnum):
    """Why a workload is taken to use a DestinationRule on purpose; NONE: it only applies to the workload."""

    DECLARED = "declared"
    SELECTED = "selected"
    EVIDENT = "evident"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Chain:
    """One file that the workload's Envoy is told to read, and what stands at its end.

    field: `clientCertificate`, `privateKey`, `caCertificates` or `caCrl`. users: every origination that reads it
    in this role; never empty, and often many, since rules share paths.
    """

    field: str
    path: str
    files: FileSet
    users: tuple[Origination, ...]
    file: ResolvedFile

    @property
    def rule(self) -> DestinationRule:
        """The first rule that reads the file; a finding names it and counts the others."""
        return self.users[0].rule


@dataclass(frozen=True, slots=True)
class Credential:
    """The chains of one file set together: what one TLS handshake will use."""

    files: FileSet
    certificate: Chain | None = None
    key: Chain | None = None
    ca: Chain | None = None
    crl: Chain | None = None

    @property
    def users(self) -> tuple[Origination, ...]:
        """The originations that use this credential."""
        chain = self.certificate or self.key or self.ca or self.crl
        return chain.users if chain else ()


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule that mentions files which this workload mounts, and yet is not in force for it.

    cause: one of `foreign-namespace`, `not-exported`, `service-not-exported`, `shadowed`, `search-ended`,
    `merged-away`, `merged-into-selection`,
    `outside-egress`, `selector-mismatch`, `other-revision`, `no-service`, `no-tls`. by: the rule, Sidecar or
    service that stands in the way, if one does. detail: the fact, in words. evident: a declared host, or a mount and a
    second sign show that the workload means to use the rule.
    """

    rule: DestinationRule
    cause: str
    detail: str
    by: ObjectRef | None = None
    host: str = ""
    evident: bool = True


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the annotations `mtls-guard.io/*` of a pod template say. opted_out: `inject: "false"`."""

    secrets: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    inject: bool = False
    opted_out: bool = False
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether it declares anything that we know."""
        return bool(self.secrets or self.destinations or self.inject)
