"""The registry of the kinds whose objects make Secrets or ConfigMaps, and the reader of such an object; stdlib only.

What each kind makes is read by `producer_kinds`, what an object reports of itself by `producer_status`. A Secret that
one of them names is on its way rather than missing. ClusterExternalSecret is left out: it makes ExternalSecrets, which
say it again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from webhook.kinds.producer_kinds import (
    Made,
    Reader,
    bundle,
    certificate,
    external_secret,
    kafka,
    kafka_user,
    one_password_item,
    sealed_secret,
    secret_provider_class,
    vault_pki_secret,
    vault_secret,
)
from webhook.kinds.producer_status import reported
from webhook.model.finding import ObjectRef
from webhook.model.material import Producer
from webhook.model.raw_object import Manifest, dig, group_of, mapping, namespace_of, text

Key = tuple[str, str]
"""Group and kind."""
SECRET, CONFIG_MAP = "Secret", "ConfigMap"
FURTHER_MAKES = (SECRET, CONFIG_MAP)


@dataclass(frozen=True, slots=True)
class ProducerKind:
    """One kind of producers. makes: what it is there to make; that kind being served, such an object may follow.

    resource: its plural, as RBAC names it. namespaced: otherwise one object serves many namespaces.
    """

    group: str
    kind: str
    resource: str
    read: Reader
    makes: tuple[str, ...] = (SECRET,)
    namespaced: bool = True

    @property
    def key(self) -> Key:
        """Group and kind."""
        return (self.group, self.kind)


@dataclass(frozen=True, slots=True)
class FurtherProducer:
    """A kind that the policy adds. name: the path of the name of what it makes, as `("spec", "secretName")`."""

    group: str
    kind: str
    name: tuple[str, ...]
    makes: str = SECRET

    @property
    def key(self) -> Key:
        """Group and kind."""
        return (self.group, self.kind)


KINDS: tuple[ProducerKind, ...] = (
    ProducerKind("cert-manager.io", "Certificate", "certificates", certificate),
    ProducerKind("external-secrets.io", "ExternalSecret", "externalsecrets", external_secret),
    ProducerKind("bitnami.com", "SealedSecret", "sealedsecrets", sealed_secret),
    ProducerKind("secrets.hashicorp.com", "VaultStaticSecret", "vaultstaticsecrets", vault_secret),
    ProducerKind("secrets.hashicorp.com", "VaultDynamicSecret", "vaultdynamicsecrets", vault_secret),
    ProducerKind("secrets.hashicorp.com", "VaultPKISecret", "vaultpkisecrets", vault_pki_secret),
    ProducerKind("secrets-store.csi.x-k8s.io", "SecretProviderClass", "secretproviderclasses", secret_provider_class),
    ProducerKind("kafka.strimzi.io", "KafkaUser", "kafkausers", kafka_user),
    ProducerKind("kafka.strimzi.io", "Kafka", "kafkas", kafka),
    ProducerKind("onepassword.com", "OnePasswordItem", "onepassworditems", one_password_item),
    ProducerKind("trust.cert-manager.io", "Bundle", "bundles", bundle, (CONFIG_MAP, SECRET), namespaced=False),
)
_BY_KEY: Mapping[Key, ProducerKind] = {one.key: one for one in KINDS}
Further = Mapping[Key, FurtherProducer]
NO_FURTHER: Further = {}


def is_built_in(group: str, kind: str) -> bool:
    """Whether the registry has the kind."""
    return (group, kind) in _BY_KEY


def is_namespaced(key: Key) -> bool:
    """Whether objects of the kind are in a namespace, as those of a kind that the policy adds are taken to be."""
    return key not in _BY_KEY or _BY_KEY[key].namespaced


def makes(key: Key, further: Further = NO_FURTHER) -> tuple[str, ...]:
    """What objects of this kind make: Secrets, ConfigMaps, both, or nothing."""
    if key in _BY_KEY:
        return _BY_KEY[key].makes
    return (further[key].makes,) if key in further else ()


def read_producers(manifest: Manifest, further: Further = NO_FURTHER) -> tuple[Producer, ...]:
    """What an object will make, and under which data keys; nothing for an object of another kind."""
    version, name = text(manifest.get("apiVersion")), text(mapping(manifest.get("metadata")).get("name"))
    key = (group_of(version), text(manifest.get("kind")))
    known = _BY_KEY.get(key)
    if known is None and key not in further:
        return ()
    ref = ObjectRef(version, key[1], namespace_of(manifest) if is_namespaced(key) else "", name)
    problem, ready = reported(key[1], mapping(manifest.get("status")))
    made = known.read(mapping(manifest.get("spec")), name) if known is not None else _further(manifest, further[key])
    return tuple(_producer(one, ref, problem, ready=ready) for one in made if one.name)


def _producer(made: Made, ref: ObjectRef, problem: str, *, ready: bool) -> Producer:
    """The producer of one object. What a cluster-scoped one reports is not for everybody who may create workloads."""
    read = Producer(ref, made.name, made.keys, made.kind, made.selector, problem, ready)
    return read if ref.namespace or not problem else replace(read, problem="its status says that it fails")


def _further(manifest: Manifest, kind: FurtherProducer) -> Iterator[Made]:
    """What an object of a kind of the policy's makes; its data keys are not known."""
    yield Made(text(dig(manifest, *kind.name)), None, kind.makes)
