"""Facts about the bytes of a Secret or ConfigMap key: what they are, never the bytes themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from webhook.model.finding import ObjectRef


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One X.509 certificate. key_type: `RSA`, `EC`, `Ed25519` or another name; curve or size beside it.

    public_key and issuer_key: hex SHA-256 of the SubjectPublicKeyInfo, and the authority key identifier, '' if absent.
    subject and issuer are for people to read; subject_id and issuer_id compare (hash of the DER name).
    usages: extended key usages by their short names (`clientAuth`), None when the extension is absent.
    negative_serial: the serial number is below zero, which the agent's language (Go 1.23 and later) refuses.
    """

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key_type: str
    key_bits: int = 0
    curve: str = ""
    public_key: str = ""
    subject_id: str = ""
    issuer_id: str = ""
    subject_key: str = ""
    issuer_key: str = ""
    is_ca: bool | None = None
    usages: tuple[str, ...] | None = None
    key_usages: tuple[str, ...] | None = None
    fingerprint: str = ""
    negative_serial: bool = False

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name, as in a root."""
        return self.subject_id == self.issuer_id


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """One private key. public_key: hex SHA-256 of its SubjectPublicKeyInfo, comparable to a certificate's.

    container: `pkcs8`, `pkcs1`, `sec1`, or '' for another. consistent: its private and public numbers belong
    together (a damaged key need not look damaged).
    """

    key_type: str
    key_bits: int = 0
    curve: str = ""
    public_key: str = ""
    encrypted: bool = False
    container: str = ""
    consistent: bool = True


@dataclass(frozen=True, slots=True)
class CrlFacts:
    """One certificate revocation list. next_update: None when it names no end. issuer_id as in CertificateFacts."""

    issuer: str
    this_update: datetime
    next_update: datetime | None = None
    issuer_id: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block in file order. problem: why it could not be read ('' if it could), without any of its bytes.

    agent: whether Istio's agent finds it (Go skips what it cannot decode). envoy: whether Envoy finds it.
    fatal: Envoy stops here with an error and refuses the whole file. cut: its bytes are fewer or more
    than the value in them says (a truncated copy, or something behind it).
    """

    label: str
    certificate: CertificateFacts | None = None
    key: KeyFacts | None = None
    problem: str = ""
    crl: CrlFacts | None = None
    agent: bool = True
    envoy: bool = True
    fatal: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Material:
    """Facts of one key of a Secret. form: `pem`, `empty`, `der`, `base64-of-pem`, `bom`, `pkcs12`, `jks`, `utf-16`,
    `text` or `binary`; `placeholder` (evidently to be replaced before it counts); of a manifest also `bad-base64` and
    `not-a-string`, which the API server refuses.

    glued: two PEM blocks stand without a line break between them. garbage: text stands outside the blocks, which both
    programs skip. size in bytes. unread: blocks beyond the most that are looked at (0: all were).
    """

    form: str
    size: int = 0
    blocks: tuple[Block, ...] = ()
    glued: bool = False
    garbage: bool = False
    unread: int = 0

    @property
    def placeholder(self) -> bool:
        """Whether the value is still to come, so that nothing certain can be said of it."""
        return self.form == "placeholder"

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """The certificates that could be read, in file order."""
        return tuple(block.certificate for block in self.blocks if block.certificate is not None)

    @property
    def keys(self) -> tuple[KeyFacts, ...]:
        """The private keys that were recognised, in file order."""
        return tuple(block.key for block in self.blocks if block.key is not None)


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """What is known of a Secret: its keys and the facts of each. type: as Kubernetes names it.

    sealed: the manifest is there, its values are not (a template, or `data` with placeholders): only keys count.
    producer: the object that writes it, by its own owner references, labels and annotations; None for nobody's.
    issued: cert-manager has written the certificate that was issued, not a temporary one.
    """

    ref: ObjectRef
    keys: Mapping[str, Material] = field(default_factory=dict)
    type: str = "Opaque"
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    sealed: bool = False
    producer: ObjectRef | None = None
    issued: bool = False


@dataclass(frozen=True, slots=True)
class ConfigMapFacts:
    """What is known of a ConfigMap: its keys with the facts of each (a CA bundle may live here), the hosts it names."""

    ref: ObjectRef
    keys: Mapping[str, Material] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Producer:
    """An object that says that it will make a Secret or ConfigMap of that name. kind: of what it makes.

    keys: the data keys that it is known to write, None where that cannot be told. namespaces: the labels of those in
    which a cluster-scoped object makes it, empty for all. problem: what it reports to fail at, in its own words, ''
    for nothing. ready: it reports that its work is done.
    """

    ref: ObjectRef
    name: str
    keys: frozenset[str] | None = None
    kind: str = "Secret"
    namespaces: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    ready: bool = False
