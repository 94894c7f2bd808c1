"""Istio's and Kubernetes' objects that decide where a sidecar's calls go, trimmed to what the trace asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.model.finding import ObjectRef
from webhook.model.source_location import UnreadSettings


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files that one TLS setting makes a sidecar read, verbatim as written; '' where none is read."""

    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    ca_crl: str = ""

    def __bool__(self) -> bool:
        """Whether any file is read."""
        return bool(self.client_certificate or self.private_key or self.ca_certificates or self.ca_crl)

    def items(self) -> tuple[tuple[str, str], ...]:
        """Pairs of field name in the DestinationRule and path, without the empty ones."""
        pairs = (
            ("clientCertificate", self.client_certificate),
            ("privateKey", self.private_key),
            ("caCertificates", self.ca_certificates),
            ("caCrl", self.ca_crl),
        )
        return tuple(pair for pair in pairs if pair[1])


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """ClientTLSSettings as written. mode: '' when omitted, which Istio takes as DISABLE. path: of the tls block."""

    mode: str
    path: str
    files: FileSet = FileSet()
    credential_name: str = ""
    sni: str = ""
    subject_alt_names: tuple[str, ...] = ()
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class PortPolicy:
    """One entry of portLevelSettings; tls None means that the entry takes the top-level tls away from its port."""

    number: int | None
    tls: TlsSettings | None
    path: str


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    """A trafficPolicy: its tls and its port entries. path: of the policy itself."""

    path: str
    tls: TlsSettings | None = None
    ports: tuple[PortPolicy, ...] = ()

    def settings(self) -> tuple[TlsSettings, ...]:
        """Every tls block written in this policy."""
        return tuple(tls for tls in (self.tls, *(port.tls for port in self.ports)) if tls is not None)


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset of a DestinationRule with the policy of its own, if any. path: `spec.subsets[0]`."""

    name: str
    path: str
    labels: Mapping[str, str] = field(default_factory=dict)
    policy: TrafficPolicy | None = None


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """A DestinationRule. selector: None when it has no workloadSelector (an empty one selects every pod).

    unknown: fields that the API server prunes (misspelt, snake_case), as (path, key); seen in files, or in the
    last-applied annotation. created: creationTimestamp as written, '' offline. left_out: what is not read, in words.
    """

    ref: ObjectRef
    host: str
    policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ()
    selector: Mapping[str, str] | None = None
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[tuple[str, str], ...] = ()
    terminating: bool = False
    left_out: tuple[str, ...] = ()

    def settings(self) -> tuple[TlsSettings, ...]:
        """Every tls block written anywhere in the rule: top level, ports, subsets, subset ports."""
        policies = (self.policy, *(subset.policy for subset in self.subsets))
        return tuple(tls for policy in policies if policy is not None for tls in policy.settings())


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a service. protocol: upper case, as Istio derives it (`HTTP`, `HTTPS`, `TLS`, `TCP`, `GRPC`, ...)."""

    number: int
    name: str = ""
    protocol: str = ""
    target: int | str | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """One host that Istio knows: of a Kubernetes Service, or one host of a ServiceEntry.

    external: location MESH_EXTERNAL (ServiceEntry only). external_name: a Service of type ExternalName, which
    makes no cluster. selector: pod labels it selects, for Services. addresses: cluster IP or entry addresses.
    """

    ref: ObjectRef
    host: str
    ports: tuple[ServicePort, ...] = ()
    export_to: tuple[str, ...] = ()
    external: bool = False
    external_name: str = ""
    resolution: str = ""
    addresses: tuple[str, ...] = ()
    subject_alt_names: tuple[str, ...] = ()
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The namespace that counts as the service's own in rule lookup."""
        return self.ref.namespace


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """One destination of a VirtualService route; port None when not given."""

    host: str
    subset: str = ""
    port: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One http, tls or tcp route: the ports it matches (empty: every port) and where it sends.

    gateways: of its matches, empty when none is named. conditional: has matches beyond the port (a path, headers...).
    delegate: namespace and name of the VirtualService without hosts whose routes stand in its place.
    """

    kind: str
    ports: tuple[int, ...]
    targets: tuple[RouteTarget, ...]
    gateways: tuple[str, ...] = ()
    conditional: bool = False
    delegate: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class VirtualService:
    """A VirtualService. gateways: empty means `mesh`, that is every sidecar."""

    ref: ObjectRef
    hosts: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    gateways: tuple[str, ...] = ()
    export_to: tuple[str, ...] = ()
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EgressListener:
    """One egress entry of a Sidecar: its hosts as written (`ns/host`) and its port, if any."""

    hosts: tuple[str, ...]
    port: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A Sidecar. selector, egress: None when absent. ingress_files: with which its own listeners speak TLS."""

    ref: ObjectRef
    selector: Mapping[str, str] | None = None
    egress: tuple[EgressListener, ...] | None = None
    outbound_mode: str = ""
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ingress_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace. known: False when it was not in the input, so that its labels are a guess."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    known: bool = True
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Mesh:
    """Mesh-wide settings; the defaults are Istio's chart defaults. None means that they could not be read.

    revisions: revisions and tags whose injector is known to exist. config_revisions: those with ConfigMaps, no tags.
    version: of istiod or proxy, as (1, 31, 0). unread: what was not read, so that defaults stand in its place.
    """

    root_namespace: str = "istio-system"
    cluster_domain: str = "cluster.local"
    default_destination_rule_export_to: tuple[str, ...] = ()
    default_service_export_to: tuple[str, ...] = ()
    default_virtual_service_export_to: tuple[str, ...] = ()
    enable_namespaces_by_default: bool = False
    inject_policy: str = "enabled"
    never_inject: tuple[Mapping[str, object], ...] = ()
    always_inject: tuple[Mapping[str, object], ...] = ()
    default_templates: tuple[str, ...] = ("sidecar",)
    templates: frozenset[str] | None = None
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    native_sidecars: bool | None = None
    outbound_mode: str = "ALLOW_ANY"
    outbound_tls: TlsSettings | None = None
    proxy_metadata: Mapping[str, str] = field(default_factory=dict)
    interception_mode: str = "REDIRECT"
    revisions: frozenset[str] | None = None
    config_revisions: frozenset[str] = frozenset()
    version: tuple[int, ...] | None = None
    crl_in_every_sidecar: bool = True
    unread: tuple[UnreadSettings, ...] = ()

    def used(self, files: FileSet) -> tuple[tuple[str, str], ...]:
        """The items of the set that have an effect: a rule's CRL has none where Istio's own is in every sidecar."""
        return tuple(pair for pair in files.items() if pair[0] != "caCrl" or not self.crl_in_every_sidecar)
