"""What each kind of producer makes: the name of the Secret or ConfigMap, and its data keys as far as the object says.

Versions read: cert-manager 1.21, External Secrets 0.20, Sealed Secrets 0.40, Vault Secrets Operator 1.0, Secrets Store
CSI Driver 1.5, Strimzi 0.47, 1Password Connect Operator 1.9, trust-manager 0.25.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.model.raw_object import dig, mapping, sequence, text, texts

Keys = frozenset[str] | None
_MERGES_OR_NOTHING = ("Merge", "None")
_FORMATS = {"CombinedPEM": "tls-combined.pem", "DER": "key.der"}
_KEYSTORES = {"jks": ("keystore.jks", "truststore.jks"), "pkcs12": ("keystore.p12", "truststore.p12")}
_OF_VAULT_PKI = frozenset(
    ("certificate", "private_key", "private_key_type", "ca_chain", "issuing_ca", "serial_number", "expiration", "_raw")
)
_TLS = frozenset(("tls.crt", "tls.key"))
_OF_KAFKA_USER: Mapping[str, frozenset[str]] = {
    "tls": frozenset(("ca.crt", "user.crt", "user.key", "user.p12", "user.password")),
    "scram-sha-512": frozenset(("password", "sasl.jaas.config")),
}
_OF_KAFKA_CA = frozenset(("ca.crt", "ca.p12", "ca.password"))


@dataclass(frozen=True, slots=True)
class Made:
    """One Secret or ConfigMap that an object makes. keys: None where they are not known.

    selector: labels of the namespaces in which a cluster-scoped object makes it, empty for all.
    """

    name: str
    keys: Keys = None
    kind: str = "Secret"
    selector: tuple[tuple[str, str], ...] = ()


Reader = Callable[[Mapping[str, Any], str], Iterator[Made]]
"""Takes the spec and the name of an object."""


def certificate(spec: Mapping[str, Any], name: str) -> Iterator[Made]:  # noqa: ARG001
    """cert-manager (`ca.crt` stays away where the issuer does not know its CA)."""
    keys = {"tls.crt", "tls.key", "ca.crt"}
    for output_format in sequence(spec.get("additionalOutputFormats")):
        keys.add(_FORMATS.get(text(mapping(output_format).get("type")), ""))
    for kind, files in _KEYSTORES.items():
        if dig(spec, "keystores", kind, "create") is True:
            keys.update(files)
    yield Made(text(spec.get("secretName")), frozenset(keys - {""}))


def external_secret(spec: Mapping[str, Any], name: str) -> Iterator[Made]:
    """External Secrets: a template replaces what was fetched unless merged; what `dataFrom` brings is not known.

    With `target.manifest` it writes an object of the kind that is named there, and no Secret.
    """
    target = mapping(spec.get("target"))
    if text(target.get("creationPolicy")) in _MERGES_OR_NOTHING:
        return
    kind, version = "Secret", "v1"
    if isinstance(target.get("manifest"), dict):
        kind, version = text(dig(target, "manifest", "kind")), text(dig(target, "manifest", "apiVersion"))
    if kind in ("Secret", "ConfigMap") and version == "v1":
        yield Made(text(target.get("name")) or name, _of_external_secret(spec, mapping(target.get("template"))), kind)


def _of_external_secret(spec: Mapping[str, Any], template: Mapping[str, Any]) -> Keys:
    if sequence(template.get("templateFrom")):
        return None
    templated = frozenset(map(str, mapping(template.get("data"))))
    if templated and text(template.get("mergePolicy")) != "Merge":
        return templated
    if sequence(spec.get("dataFrom")):
        return None
    fetched = (text(mapping(one).get("secretKey")) for one in sequence(spec.get("data")))
    return templated | frozenset(key for key in fetched if key)


def sealed_secret(spec: Mapping[str, Any], name: str) -> Iterator[Made]:
    """Sealed Secrets: the Secret has the SealedSecret's name; the old form with one sealed blob hides its keys."""
    secret = name or text(dig(spec, "template", "metadata", "name"))
    sealed, templated = mapping(spec.get("encryptedData")), mapping(dig(spec, "template", "data"))
    yield Made(secret, None if text(spec.get("data")) else frozenset(map(str, [*sealed, *templated])))


def vault_secret(spec: Mapping[str, Any], name: str) -> Iterator[Made]:  # noqa: ARG001
    """Vault Secrets Operator: what is at a path of Vault; it fills an existing Secret unless it says `create`."""
    if dig(spec, "destination", "create") is True:
        yield Made(text(dig(spec, "destination", "name")))


def vault_pki_secret(spec: Mapping[str, Any], name: str) -> Iterator[Made]:  # noqa: ARG001
    """The same for a certificate of Vault's PKI; a transformation writes further data keys, or leaves some out."""
    destination = mapping(spec.get("destination"))
    if destination.get("create") is not True:
        return
    keys: Keys = _OF_VAULT_PKI | (_TLS if text(destination.get("type")) == "kubernetes.io/tls" else frozenset())
    yield Made(text(destination.get("name")), None if mapping(destination.get("transformation")) else keys)


def secret_provider_class(spec: Mapping[str, Any], name: str) -> Iterator[Made]:  # noqa: ARG001
    """Secrets Store CSI Driver: the Secrets of `secretObjects`, made when a Pod mounts the class."""
    for one in sequence(spec.get("secretObjects")):
        written = (text(mapping(entry).get("key")) for entry in sequence(mapping(one).get("data")))
        yield Made(text(mapping(one).get("secretName")), frozenset(key for key in written if key))


def kafka_user(spec: Mapping[str, Any], name: str) -> Iterator[Made]:
    """Strimzi: the Secret has the user's name; one of type tls-external makes none."""
    keys = _OF_KAFKA_USER.get(text(dig(spec, "authentication", "type")))
    if keys is not None:
        yield Made(name, keys)


def kafka(spec: Mapping[str, Any], name: str) -> Iterator[Made]:
    """Strimzi: the CA certificates of the cluster, unless the administrator brings a CA of their own."""
    for field, suffix in (("clusterCa", "cluster-ca-cert"), ("clientsCa", "clients-ca-cert")):
        if name and dig(spec, field, "generateCertificateAuthority") is not False:
            yield Made(f"{name}-{suffix}", _OF_KAFKA_CA)


def one_password_item(spec: Mapping[str, Any], name: str) -> Iterator[Made]:  # noqa: ARG001
    """1Password: the Secret has the item's name, and a data key for each field of the item."""
    yield Made(name)


def bundle(spec: Mapping[str, Any], name: str) -> Iterator[Made]:
    """trust-manager: a ConfigMap, a Secret or both, in every namespace that the selector selects."""
    target = mapping(spec.get("target"))
    selector = mapping(target.get("namespaceSelector"))
    labels = tuple(sorted(texts(selector.get("matchLabels")).items()))
    further = {text(dig(one, "key")) for one in mapping(target.get("additionalFormats")).values()}
    for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
        key = text(dig(target, field, "key"))
        if key:
            yield Made(name, frozenset({key, *further} - {""}), kind, labels)
