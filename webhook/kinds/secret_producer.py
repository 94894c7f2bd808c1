"""Which object writes a Secret, by what the Secret itself says: its owner references, labels and annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.kinds.producer import KINDS
from webhook.model.finding import ObjectRef
from webhook.model.raw_object import group_of, mapping, sequence, text

CERTIFICATE_NAME, ISSUER_NAME = "cert-manager.io/certificate-name", "cert-manager.io/issuer-name"
REPLICATED = (
    "replicator.v1.mittwald.de/replicate-from",
    "reflector.v1.k8s.emberstack.com/reflects",
)
"""Annotations of controllers that fill a Secret which is empty in its manifest (kubernetes-replicator, reflector)."""
_NAMES = (
    ("annotations", CERTIFICATE_NAME, "cert-manager.io", "Certificate"),
    ("labels", "trust.cert-manager.io/bundle", "trust.cert-manager.io", "Bundle"),
)
"""Annotations and labels whose value is the name of the object that writes the Secret."""
_MARKS = (
    ("labels", "reconcile.external-secrets.io/managed", "external-secrets.io", "ExternalSecret"),
    ("labels", "reconcile.external-secrets.io/created-by", "external-secrets.io", "ExternalSecret"),
    ("labels", "secrets-store.csi.k8s.io/managed", "secrets-store.csi.x-k8s.io", "SecretProviderClass"),
    ("annotations", "operator.1password.io/item-path", "onepassword.com", "OnePasswordItem"),
)
"""Those that do not name it."""
_KINDS = frozenset(one.key for one in KINDS)
_OF_WORKLOADS = ("", "apps", "batch")
"""Groups of owners that write no Secrets: a Pod that mounted it, a Deployment that it is to go with."""


def producer_of(metadata: Mapping[str, Any], namespace: str) -> ObjectRef | None:
    """The object that writes the Secret with this metadata, its name '' where that is not said; None for nobody."""
    return next(_producers(metadata, namespace), None)


def _producers(metadata: Mapping[str, Any], namespace: str) -> Iterator[ObjectRef]:
    yield from _owners(metadata, namespace)
    yield from _marked(metadata, namespace)
    for key in REPLICATED:
        if source := text(mapping(metadata.get("annotations")).get(key)):
            of, _, name = source.rpartition("/")
            yield ObjectRef("v1", "Secret", of or namespace, name)


def _owners(metadata: Mapping[str, Any], namespace: str) -> Iterator[ObjectRef]:
    for owner in map(mapping, sequence(metadata.get("ownerReferences"))):
        version, kind = text(owner.get("apiVersion")), text(owner.get("kind"))
        group = group_of(version)
        if (group, kind) in _KINDS or (owner.get("controller") is True and group not in _OF_WORKLOADS):
            yield ObjectRef(version, kind, namespace, text(owner.get("name")))


def _marked(metadata: Mapping[str, Any], namespace: str) -> Iterator[ObjectRef]:
    for part, key, group, kind in _NAMES:
        if name := text(mapping(metadata.get(part)).get(key)):
            yield ObjectRef(f"{group}/v1", kind, "" if kind == "Bundle" else namespace, name)
    for part, key, group, kind in _MARKS:
        if key in mapping(metadata.get(part)):
            yield ObjectRef(f"{group}/v1", kind, namespace, "")


def is_issued(metadata: Mapping[str, Any]) -> bool:
    """Whether cert-manager has written an issued certificate: with a temporary one, the issuer is not named yet."""
    annotations = mapping(metadata.get("annotations"))
    return CERTIFICATE_NAME in annotations and bool(text(annotations.get(ISSUER_NAME)))
