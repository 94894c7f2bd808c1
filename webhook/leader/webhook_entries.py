"""The entries of a webhook configuration: in what a live one differs from what it should be, and what mends it.

Pure: `keeping` asks the API server, `stated` says what should be there. CA bundles are left to `bundles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from webhook.model.raw_object import Manifest, dig, mapping, sequence, text

_DEFAULTS: dict[str, Any] = {
    "admissionReviewVersions": [],
    "failurePolicy": "Fail",
    "matchConditions": [],
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "reinvocationPolicy": "Never",
    "sideEffects": "None",
    "timeoutSeconds": 10,
}
"""The fields of an entry, and what the API server takes where one is not given.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/apis/admissionregistration/v1/defaults.go
"""
_FOREIGN_INJECTORS = "cert-manager.io/inject-"
"""Annotations by which cert-manager's CA injector would overwrite the bundles; of charts before this one."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """In what a live configuration differs. entry: '' for the configuration itself.

    field: as kubectl writes it, `rules` or `clientConfig.service`; '' where the entry itself is missing, or too many.
    """

    entry: str
    field: str
    live: Any
    expected: Any


@dataclass(frozen=True, slots=True)
class RepairAction:
    """What is to be done with a configuration."""

    verb: Literal["create", "replace", "delete"]
    manifest: Manifest


def differences(expected: Manifest, live: Manifest) -> tuple[FieldDifference, ...]:
    """Everything in which the live configuration is not as it should be; labels and annotations of others are not."""
    entries, there = entries_of(expected), entries_of(live)
    names = [*entries, *(name for name in there if name not in entries)]
    return (*_of_metadata(expected, live), *(one for name in names for one in _of_entry(name, entries, there)))


def act(expected: Manifest, owner: Manifest, live: Manifest | None) -> RepairAction | None:
    """What brings a configuration to what is expected; None when it is there.

    owner: the ClusterRole that it belongs to.
    """
    target = {**expected, "metadata": {**mapping(expected.get("metadata")), "ownerReferences": [_reference(owner)]}}
    if not entries_of(expected):
        return RepairAction("delete", live) if live else None
    if live is None:
        return RepairAction("create", target)
    if not differences(target, live) and _owners(live) == _owners(target):
        return None
    return RepairAction("replace", _merged(target, live))


def entries_of(manifest: Manifest) -> dict[str, Manifest]:
    """The entries of a configuration by their names."""
    return {text(mapping(entry).get("name")): mapping(entry) for entry in sequence(manifest.get("webhooks"))}


def value_of(entry: Manifest, field: str) -> Any:
    """A field of an entry, or its default."""
    value = entry.get(field)
    return _DEFAULTS[field] if value is None else value


def service_of(entry: Manifest) -> dict[str, Any]:
    """Whom an entry asks, without the path."""
    service = mapping(dig(entry, "clientConfig", "service"))
    asked = {"port": 443, **{key: value for key, value in service.items() if key != "path"}}
    return {"url": dig(entry, "clientConfig", "url"), "service": asked if service else None}


def _of_metadata(expected: Manifest, live: Manifest) -> tuple[FieldDifference, ...]:
    """Labels and annotations that are missing, and annotations that should not be there."""
    parts = []
    for part in ("labels", "annotations"):
        given, there = mapping(dig(expected, "metadata", part)), mapping(dig(live, "metadata", part))
        lacks = not there.items() >= given.items()
        foreign = {key: there[key] for key in there if key.startswith(_FOREIGN_INJECTORS)}
        if lacks or foreign:
            shown = {key: there.get(key) for key in given} | foreign
            parts.append(FieldDifference("", f"metadata.{part}", shown, dict(given)))
    return tuple(parts)


def _of_entry(name: str, entries: Mapping[str, Manifest], there: Mapping[str, Manifest]) -> tuple[FieldDifference, ...]:
    """Field by field."""
    entry, live = entries.get(name), there.get(name)
    if entry is None or live is None:
        return (FieldDifference(name, "", live, entry),)
    fields = {field: (value_of(live, field), value_of(entry, field)) for field in _DEFAULTS}
    fields["rules"] = (_rules(live), _rules(entry))
    for part, default in (("url", None), ("service", {})):
        fields[f"clientConfig.{part}"] = (_client(live, part, default), _client(entry, part, default))
    return tuple(FieldDifference(name, field, *values) for field, values in fields.items() if values[0] != values[1])


def _rules(entry: Manifest) -> list[dict[str, Any]]:
    """Its rules, with their default."""
    return [{"scope": "*", **mapping(rule)} for rule in sequence(entry.get("rules"))]


def _client(entry: Manifest, part: str, default: Any) -> Any:
    """A part of its clientConfig, with the default of a Service's port."""
    value = dig(entry, "clientConfig", part)
    return {"port": 443, **value} if isinstance(value, dict) and value else default if value is None else value


def _reference(owner: Manifest) -> dict[str, str]:
    """The owner as garbage collection knows it."""
    metadata = mapping(owner.get("metadata"))
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return {**kind, "name": text(metadata.get("name")), "uid": text(metadata.get("uid"))}


def _owners(manifest: Manifest) -> list[str]:
    """The uids of its owners."""
    return [text(mapping(one).get("uid")) for one in sequence(dig(manifest, "metadata", "ownerReferences"))]


def _merged(target: Manifest, live: Manifest) -> dict[str, Any]:
    """The target with the CA bundles, and with the labels and annotations of others, that are there.

    Of one that is not the leader's yet, Helm's labels and annotations do not stay: it is no part of a release any more.
    """
    given, has, there = mapping(target.get("metadata")), mapping(live.get("metadata")), entries_of(live)
    adopted = _owners(live) != _owners(target)
    kept = {part: {**_others(has.get(part), adopted=adopted), **mapping(given.get(part))} for part in _PARTS}
    entries = [_with_bundle(entry, there.get(name, {})) for name, entry in entries_of(target).items()]
    return {**target, "metadata": {**has, **given, **kept}, "webhooks": entries}


_PARTS = ("labels", "annotations")
_HELMS = ("app.kubernetes.io/", "helm.sh/chart", "meta.helm.sh/")


def _others(part: Any, *, adopted: bool) -> dict[str, Any]:
    """What others wrote, and may keep."""
    dropped = (_FOREIGN_INJECTORS, *(_HELMS if adopted else ()))
    return {key: value for key, value in mapping(part).items() if not key.startswith(dropped)}


def _with_bundle(entry: Manifest, live: Manifest) -> Manifest:
    """The entry with the CA bundle that is there."""
    bundle = dig(live, "clientConfig", "caBundle")
    return {**entry, "clientConfig": {**mapping(entry.get("clientConfig")), "caBundle": bundle}} if bundle else entry
