"""Secrets and ConfigMaps as they stand in a manifest -> facts of their keys; the bytes go no further.

A manifest may come from Git, where values are templates or marks: `form.is_placeholder` says which, and `sealed` says
that keys count and bytes do not. An object with a `metadata.uid` comes from the API server: what it holds is
what the sidecar gets, so there a placeholder is text like any other, and nothing is sealed.
"""

from collections.abc import Mapping
from dataclasses import replace
from sys import intern
from typing import Any

from webhook.kinds.host_mentions import hosts_in
from webhook.kinds.secret_producer import REPLICATED, is_issued, producer_of
from webhook.material.encoding import is_placeholder
from webhook.material.inspect import read_material
from webhook.material.pem import MOST_BLOCKS
from webhook.material.strict_base64 import decode
from webhook.model.finding import ObjectRef
from webhook.model.material import ConfigMapFacts, Material, SecretFacts
from webhook.model.raw_object import Manifest, mapping, namespace_of, text, texts


def read_secret(manifest: Manifest) -> SecretFacts:
    """A Secret's keys and the facts of each; `stringData` wins over `data`, as in the API server."""
    metadata = mapping(manifest.get("metadata"))
    live = bool(text(metadata.get("uid")))
    encoded = {key: _encoded(value, live=live) for key, value in _entries(manifest.get("data"))}
    plain = {key: _plain(value, live=live) for key, value in _entries(manifest.get("stringData"))}
    keys = _bounded(encoded | plain)
    return SecretFacts(
        ref=_ref(manifest, "Secret"),
        keys=keys,
        type=intern(text(manifest.get("type"))) or "Opaque",
        created=text(metadata.get("creationTimestamp")),
        labels=texts(metadata.get("labels")),
        sealed=not live and _is_sealed(manifest, metadata, keys),
        producer=producer_of(metadata, namespace_of(manifest)),
        issued=is_issued(metadata),
    )


def read_config_map(manifest: Manifest) -> ConfigMapFacts:
    """A ConfigMap's keys and the facts of each: `data` is text, `binaryData` base64."""
    live = bool(text(mapping(manifest.get("metadata")).get("uid")))
    encoded = {key: _encoded(value, live=live) for key, value in _entries(manifest.get("binaryData"))}
    plain = {key: _plain(value, live=live) for key, value in _entries(manifest.get("data"))}
    texts_of = (value for _, value in _entries(manifest.get("data")) if isinstance(value, str))
    return ConfigMapFacts(_ref(manifest, "ConfigMap"), _bounded(encoded | plain), hosts_in(texts_of))


def _bounded(keys: Mapping[str, Material]) -> Mapping[str, Material]:
    """The same; of the PEM blocks of all data keys together, MOST_BLOCKS are kept, and the rest counts as unread.

    Data keys with few blocks are kept whole: those of a client certificate beside a large bundle.
    """
    room = MOST_BLOCKS
    if sum(len(material.blocks) for material in keys.values()) <= room:
        return keys
    bounded = dict(keys)
    for name, material in sorted(keys.items(), key=lambda item: len(item[1].blocks)):
        beyond = max(len(material.blocks) - room, 0)
        room -= len(material.blocks) - beyond
        if beyond:
            blocks = material.blocks[: len(material.blocks) - beyond]
            bounded[name] = replace(material, blocks=blocks, unread=material.unread + beyond)
    return bounded


def _is_sealed(manifest: Manifest, metadata: Mapping[str, Any], keys: Mapping[str, Material]) -> bool:
    """Whether the values are still to come: placeholders, SOPS, or filled by a controller that copies Secrets."""
    replicated = any(name in mapping(metadata.get("annotations")) for name in REPLICATED)
    return "sops" in manifest or replicated or any(material.placeholder for material in keys.values())


def _ref(manifest: Manifest, kind: str) -> ObjectRef:
    """The object's name; both kinds are v1."""
    name = text(mapping(manifest.get("metadata")).get("name"))
    return ObjectRef("v1", kind, intern(namespace_of(manifest)), name)


def _entries(values: object) -> list[tuple[str, object]]:
    """The entries; JSON's keys are strings, YAML's need not be."""
    return [(intern(str(key)), value) for key, value in mapping(values).items()]


def _encoded(value: object, *, live: bool) -> Material:
    """A value of `data`: base64, in which the API server allows line breaks; null is empty."""
    if value is None:
        return Material("empty")
    if not isinstance(value, str):
        return Material("not-a-string")
    content = decode(value.encode("ascii", "replace").translate(None, b"\r\n"))
    if content is not None and b"-----BEGIN " in content:
        return _judged(content, live=live)
    if not live and is_placeholder(value):
        return Material("placeholder", len(value))
    return Material("bad-base64", len(value)) if content is None else _judged(content, live=live)


def _plain(value: object, *, live: bool) -> Material:
    """A value of `stringData`, or of a ConfigMap's `data`; a lone surrogate cannot be stored and reads as `?`."""
    if value is None:
        return Material("empty")
    if not isinstance(value, str):
        return Material("not-a-string")
    return _judged(value.encode("utf-8", "replace"), live=live)


def _judged(content: bytes, *, live: bool) -> Material:
    """The material, or that it is a placeholder where one may stand and nothing in it can be read."""
    material = read_material(content)
    readable = any(block.certificate or block.key or block.crl for block in material.blocks)
    if live or readable or material.form not in ("text", "pem", "binary"):
        return material
    replaced_later = is_placeholder(content.decode("utf-8", "replace"))
    return Material("placeholder", material.size) if replaced_later else material
