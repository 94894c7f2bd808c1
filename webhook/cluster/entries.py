"""The webhook configuration that may block: which one there should be, and how it comes there step by step.

The chart renders it into a ConfigMap, as values say. The leader keeps it: as `Ignore` first, as `Fail` once it was
proved that a known-bad object is denied; and it puts back what somebody changed. It belongs to the chart's ClusterRole,
and goes with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from webhook.decoding.broken import Broken
from webhook.decoding.limits import CONFIG_MAP
from webhook.decoding.yaml_text import load_yaml
from webhook.model.manifest import Manifest, dig, mapping, sequence, text, texts

ENTRIES_KEY = "enforcing.yaml"
BREAK_GLASS = "mtls-guard.io/break-glass"
"""An annotation of the ConfigMap: as long as it is there, nothing blocks, whatever values say."""

_DEFAULTS: dict[str, Any] = {
    "admissionReviewVersions": [],
    "failurePolicy": "Fail",
    "matchConditions": [],
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "sideEffects": "None",
    "timeoutSeconds": 10,
}
"""What of an entry is ours to say, and what the API server takes where it is not said.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/apis/admissionregistration/v1/defaults.go
"""


_REPAIRED = "the enforcing configuration was brought to what values say"


class BadEntries(ValueError):
    """The ConfigMap holds no configuration that could be applied; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What values say. entries: by name. broken: somebody broke the glass; `Ignore` for all."""

    manifest: Manifest
    broken: bool = False

    @property
    def name(self) -> str:
        """The name of the configuration."""
        return text(dig(self.manifest, "metadata", "name"))

    @property
    def entries(self) -> Mapping[str, Manifest]:
        """The entries by their names."""
        return entries_of(self.manifest)

    def enforces(self, entry: str) -> bool:
        """Whether this entry shall be `Fail` once that is safe."""
        return not self.broken and _said(self.entries[entry], "failurePolicy") == "Fail"


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be done with the configuration. why: constant text for the log."""

    verb: Literal["create", "replace", "delete"]
    manifest: Manifest
    why: str


def read_wanted(config_map: Manifest, name: str) -> Wanted:
    """What the ConfigMap says. name: the only one that the configuration in it may have.

    Raises:
        BadEntries: it cannot be applied.
    """
    try:
        found = load_yaml(text(dig(config_map, "data", ENTRIES_KEY)), CONFIG_MAP)
    except Broken as error:
        raise BadEntries(f'key "{ENTRIES_KEY}" is no YAML: {error}') from error
    wanted = Wanted(mapping(found), BREAK_GLASS in texts(dig(config_map, "metadata", "annotations")))
    if wanted.name != name:
        raise BadEntries(f'key "{ENTRIES_KEY}" holds "{wanted.name}", expected a configuration named "{name}"')
    return wanted


def act(wanted: Wanted, owner: Manifest, live: Manifest | None, *, proved: bool) -> Act | None:
    """What brings the configuration where it should be; None when it is there.

    owner: the ClusterRole that it belongs to. proved: a known-bad object was just denied by one of its entries.
    """
    policies = {name: _policy(wanted, name, live, proved=proved) for name in wanted.entries}
    target = _target(wanted, owner, policies)
    if not policies:
        return Act("delete", live, "values name no entry that may block") if live else None
    if live is None:
        return Act("create", target, "the enforcing configuration was created")
    if not _differs(target, live):
        return None
    why = "the entries enforce from now on: a known-bad object was denied" if proved else _REPAIRED
    return Act("replace", _merged(target, live), why)


def unproved(wanted: Wanted, live: Manifest | None) -> bool:
    """Whether an entry shall be `Fail` and is not yet."""
    found = entries_of(live or {})
    enforced = {name for name, entry in found.items() if _said(entry, "failurePolicy") == "Fail"}
    return any(wanted.enforces(name) and name not in enforced for name in wanted.entries)


def entries_of(manifest: Manifest) -> dict[str, Manifest]:
    """The entries of a configuration by their names."""
    return {text(mapping(entry).get("name")): mapping(entry) for entry in sequence(manifest.get("webhooks"))}


def _policy(wanted: Wanted, name: str, live: Manifest | None, *, proved: bool) -> str:
    """The failurePolicy of an entry as it may be now: `Fail` stays `Fail`, as long as it asks the same Service."""
    if not wanted.enforces(name):
        return "Ignore"
    before = entries_of(live or {}).get(name)
    stands = before is not None and _said(before, "failurePolicy") == "Fail"
    return "Fail" if proved or (stands and _service(before or {}) == _service(wanted.entries[name])) else "Ignore"


def _target(wanted: Wanted, owner: Manifest, policies: Mapping[str, str]) -> dict[str, Any]:
    """The manifest to have."""
    metadata = {**mapping(wanted.manifest.get("metadata")), "ownerReferences": [_reference(owner)]}
    entries = [{**entry, "failurePolicy": policies[name]} for name, entry in wanted.entries.items()]
    return {**wanted.manifest, "metadata": metadata, "webhooks": entries}


def _reference(owner: Manifest) -> dict[str, str]:
    """The owner as garbage collection knows it."""
    metadata = mapping(owner.get("metadata"))
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return {**kind, "name": text(metadata.get("name")), "uid": text(metadata.get("uid"))}


def _differs(target: Manifest, live: Manifest) -> bool:
    """Whether somebody changed what is ours to say; labels and annotations of others are not."""
    wanted, found = entries_of(target), entries_of(live)
    if wanted.keys() != found.keys() or not all(_same(entry, found[name]) for name, entry in wanted.items()):
        return True
    shall, has = mapping(target.get("metadata")), mapping(live.get("metadata"))
    kept = all(mapping(has.get(part)).items() >= mapping(shall.get(part)).items() for part in ("labels", "annotations"))
    owners = [text(mapping(one).get("uid")) for one in sequence(has.get("ownerReferences"))]
    return not kept or owners != [one["uid"] for one in shall["ownerReferences"]]


def _same(shall: Manifest, has: Manifest) -> bool:
    """Whether an entry is as it shall be. The CA bundle is somebody else's, unless values say it."""
    if any(_said(shall, key) != _said(has, key) for key in _DEFAULTS) or _rules(shall) != _rules(has):
        return False
    said = _bundle(shall)
    return _service(shall) == _service(has) and (not said or said == _bundle(has))


def _said(entry: Manifest, key: str) -> Any:
    """A field, or its default."""
    found = entry.get(key)
    return _DEFAULTS[key] if found is None else found


def _rules(entry: Manifest) -> list[dict[str, Any]]:
    """Its rules, with their default."""
    return [{"scope": "*", **mapping(rule)} for rule in sequence(entry.get("rules"))]


def _service(entry: Manifest) -> dict[str, Any]:
    """Who is asked."""
    service = mapping(dig(entry, "clientConfig", "service"))
    return {"url": dig(entry, "clientConfig", "url"), "service": {"port": 443, **service} if service else None}


def _bundle(entry: Manifest) -> Any:
    """Its CA bundle as it stands in the manifest."""
    return dig(entry, "clientConfig", "caBundle")


def _merged(target: Manifest, live: Manifest) -> dict[str, Any]:
    """What is there with everything of ours put right; CA bundles, labels and annotations of others stay."""
    shall, has, found = mapping(target.get("metadata")), mapping(live.get("metadata")), entries_of(live)
    kept = {part: {**mapping(has.get(part)), **mapping(shall.get(part))} for part in ("labels", "annotations")}
    entries = [_with_bundle(entry, _bundle(found.get(name, {}))) for name, entry in entries_of(target).items()]
    return {**target, "metadata": {**has, **shall, **kept}, "webhooks": entries}


def _with_bundle(entry: Manifest, bundle: object) -> Manifest:
    """The entry with this CA bundle, unless values say one, or there is none."""
    if not bundle or _bundle(entry):
        return entry
    return {**entry, "clientConfig": {**mapping(entry.get("clientConfig")), "caBundle": bundle}}
