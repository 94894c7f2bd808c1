"""What values say of the webhook configurations: read from the ConfigMap `<name>-entries` that the chart renders.

The leader and `doctor` read the same. In what a live configuration differs is left to `entries`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.limits import CONFIG_MAP
from webhook.decoding.yaml_text import load_yaml
from webhook.kubeapi.resource import MUTATING, VALIDATING, Resource
from webhook.leader.installation import Installation
from webhook.leader.webhook_entries import entries_of, value_of
from webhook.model.raw_object import Manifest, dig, mapping, text, texts

ENFORCING_KEY, INJECTING_KEY, LAST_KEY = "enforcing.yaml", "injecting.yaml", "last.yaml"
TELLING_KEY = "telling.yaml"
AUTHORITIES_KEY = "ca.crt"
"""CA certificates (PEM) that values name: those of `certificate.existing.caBundle`."""
BREAK_GLASS = "mtls-guard.io/break-glass"
"""An annotation of the ConfigMap: as long as it is there, nothing blocks, whatever values say."""


class InvalidDesiredState(ValueError):
    """The ConfigMap holds no configuration that could be applied; the text says why."""


@dataclass(frozen=True, slots=True)
class DesiredConfiguration:
    """One webhook configuration as values want it. manifest: without CA bundles; no `webhooks`: it should not exist.

    kept: the leader creates, repairs and deletes it; else it is Helm's. broken: break-glass, `Ignore` for every entry.
    """

    resource: Resource
    name: str
    manifest: Manifest = field(default_factory=dict)
    kept: bool = True
    broken: bool = False

    @property
    def entries(self) -> Mapping[str, Manifest]:
        """The entries by their names; failurePolicy as values say it, which is not what it may be yet."""
        return entries_of(self.manifest)

    def enforces(self, entry: str) -> bool:
        """Whether this entry should be `Fail` once that is safe."""
        return not self.broken and value_of(self.entries[entry], "failurePolicy") == "Fail"

    def expected(self, policies: Mapping[str, str]) -> dict[str, Any]:
        """The manifest with these failure policies; without one for an entry, with that of values, or break-glass."""
        stated = {name: "Fail" if self.enforces(name) else "Ignore" for name in self.entries} | dict(policies)
        entries = [{**entry, "failurePolicy": stated[name]} for name, entry in self.entries.items()]
        return {**self.manifest, "webhooks": entries}


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything that values say. injecting, last: None where the ConfigMap is of a chart in which these are Helm's."""

    enforcing: DesiredConfiguration
    injecting: DesiredConfiguration | None = None
    last: DesiredConfiguration | None = None
    telling: DesiredConfiguration | None = None
    authorities: bytes = b""

    @property
    def configurations(self) -> tuple[DesiredConfiguration, ...]:
        """All of them: what `doctor` compares."""
        return tuple(each for each in (self.telling, self.enforcing, self.injecting, self.last) if each)

    @property
    def kept(self) -> tuple[DesiredConfiguration, ...]:
        """Those that the leader keeps."""
        return tuple(each for each in self.configurations if each.kept)


def read_stated(config_map: Manifest, installation: Installation) -> DesiredState:
    """What the ConfigMap says.

    Raises:
        InvalidDesiredState: it cannot be applied.
    """
    broken = BREAK_GLASS in texts(dig(config_map, "metadata", "annotations"))

    def read(key: str, resource: Resource, name: str, *, kept: bool) -> DesiredConfiguration:
        """The configuration under a key; empty where the key is not there."""
        content = dig(config_map, "data", key)
        manifest = {} if content is None and key != ENFORCING_KEY else _parsed(text(content), key, name)
        return DesiredConfiguration(resource, name, manifest, kept, broken)

    enforcing = read(ENFORCING_KEY, VALIDATING, installation.enforcing, kept=True)
    authorities = text(dig(config_map, "data", AUTHORITIES_KEY)).encode()
    if dig(config_map, "data", TELLING_KEY) is None:
        return DesiredState(enforcing, authorities=authorities)
    injecting = read(INJECTING_KEY, MUTATING, installation.injecting, kept=True)
    last = read(LAST_KEY, MUTATING, installation.last, kept=True)
    telling = read(TELLING_KEY, VALIDATING, installation.telling, kept=False)
    return DesiredState(enforcing, injecting, last, telling, authorities)


def _parsed(content: str, key: str, name: str) -> Manifest:
    """The manifest of the only name that it may have."""
    try:
        manifest = mapping(load_yaml(content, CONFIG_MAP))
    except InvalidDocument as error:
        raise InvalidDesiredState(f'key "{key}" is no YAML: {error}') from error
    named = text(dig(manifest, "metadata", "name"))
    if named != name:
        raise InvalidDesiredState(f'key "{key}" holds "{named}", expected a configuration named "{name}"')
    return manifest
