"""Objects that will make a Secret: cert-manager's Certificate, ExternalSecret, SealedSecret; stdlib only.

A Secret that one of them names is on its way rather than missing. ClusterExternalSecret is left out: which namespaces
it reaches is not in the object.
"""

from collections.abc import Callable, Mapping
from typing import Any

from webhook.model.finding import ObjectRef
from webhook.model.manifest import Manifest, dig, mapping, namespace_of, sequence, text
from webhook.model.material import Producer

_MERGES_OR_NOTHING = ("Merge", "None")
_FORMATS = {"CombinedPEM": "tls-combined.pem", "DER": "key.der"}
_KEYSTORES = {"jks": ("keystore.jks", "truststore.jks"), "pkcs12": ("keystore.p12", "truststore.p12")}


def read_producers(manifest: Manifest) -> tuple[Producer, ...]:
    """What Secret an object will make, and under which keys; nothing for an object of another kind."""
    version, kind = text(manifest.get("apiVersion")), text(manifest.get("kind"))
    read = _READERS.get((version.partition("/")[0], kind))
    metadata, spec = mapping(manifest.get("metadata")), mapping(manifest.get("spec"))
    if read is None:
        return ()
    secret, keys = read(spec, text(metadata.get("name")))
    ref = ObjectRef(version, kind, namespace_of(manifest), text(metadata.get("name")))
    return (Producer(ref, secret, keys),) if secret else ()


def _certificate(spec: Mapping[str, Any], name: str) -> tuple[str, frozenset[str] | None]:  # noqa: ARG001
    """cert-manager: the Secret and its keys (`ca.crt` stays away where the issuer does not know its CA)."""
    keys = {"tls.crt", "tls.key", "ca.crt"}
    for wanted in sequence(spec.get("additionalOutputFormats")):
        keys.add(_FORMATS.get(text(mapping(wanted).get("type")), ""))
    for kind, files in _KEYSTORES.items():
        if dig(spec, "keystores", kind, "create") is True:
            keys.update(files)
    return text(spec.get("secretName")), frozenset(keys - {""})


def _external_secret(spec: Mapping[str, Any], name: str) -> tuple[str, frozenset[str] | None]:
    """External Secrets: a template replaces what was fetched unless merged; what `dataFrom` brings is not known."""
    target = mapping(spec.get("target"))
    if text(target.get("creationPolicy")) in _MERGES_OR_NOTHING:
        return "", None
    secret, template = text(target.get("name")) or name, mapping(target.get("template"))
    if sequence(template.get("templateFrom")):
        return secret, None
    templated = frozenset(map(str, mapping(template.get("data"))))
    if templated and text(template.get("mergePolicy")) != "Merge":
        return secret, templated
    if sequence(spec.get("dataFrom")):
        return secret, None
    fetched = (text(mapping(one).get("secretKey")) for one in sequence(spec.get("data")))
    return secret, templated | frozenset(key for key in fetched if key)


def _sealed_secret(spec: Mapping[str, Any], name: str) -> tuple[str, frozenset[str] | None]:
    """Sealed Secrets: the Secret has the SealedSecret's name; the old form with one sealed blob hides its keys."""
    secret = name or text(dig(spec, "template", "metadata", "name"))
    if text(spec.get("data")):
        return secret, None
    sealed, templated = mapping(spec.get("encryptedData")), mapping(dig(spec, "template", "data"))
    return secret, frozenset(map(str, [*sealed, *templated]))


_Reader = Callable[[Mapping[str, Any], str], tuple[str, frozenset[str] | None]]
_READERS: dict[tuple[str, str], _Reader] = {
    ("cert-manager.io", "Certificate"): _certificate,
    ("external-secrets.io", "ExternalSecret"): _external_secret,
    ("bitnami.com", "SealedSecret"): _sealed_secret,
}
