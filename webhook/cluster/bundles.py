"""The CA bundles of the webhook configurations: seen by everyone, written by the leader, and nothing else of them.

Server-side apply under a name of our own keeps every other field with whoever wrote it: Helm meets no conflict.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.cluster.asking import Applying
from webhook.cluster.errors import NotFound
from webhook.cluster.resource import Resource
from webhook.model.manifest import dig, mapping, sequence, text

MANAGER = "mtls-guard-serving"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The name of a webhook configuration, and which of the two kinds it is."""

    resource: Resource
    name: str


@dataclass(frozen=True, slots=True)
class Held:
    """What one entry of a configuration holds now. published: what we wrote stands there."""

    entry: str
    bundle: bytes


class Bundles:
    """The bundles in the entries of these configurations; one that does not exist has none."""

    def __init__(self, api: Applying, configurations: Sequence[Configuration]) -> None:
        self.api, self.configurations = api, tuple(configurations)

    def held(self) -> tuple[Held, ...]:
        """What the API server verifies us with now, entry by entry.

        Raises:
            ClusterError: a configuration cannot be read.
        """
        return tuple(held for configuration in self.configurations for held in _held(self._read(configuration)))

    def publish(self, bundle: bytes) -> tuple[str, ...]:
        """Makes every entry hold the bundle; answers with the names of the configurations that had to be changed.

        Raises:
            ClusterError: one cannot be read or written; those before it are done.
        """
        return tuple(found.name for found in self.configurations if self._published(found, bundle))

    def _published(self, configuration: Configuration, bundle: bytes) -> bool:
        """Whether the configuration had to be changed."""
        held = _held(self._read(configuration))
        if all(one.bundle == bundle for one in held):
            return False
        resource = configuration.resource
        coded = base64.b64encode(bundle).decode()
        entries = [{"name": one.entry, "clientConfig": {"caBundle": coded}} for one in held]
        manifest = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": configuration.name},
            "webhooks": entries,
        }
        self.api.apply(resource, manifest, MANAGER, force=True)
        return True

    def _read(self, configuration: Configuration) -> Mapping[str, Any]:
        """The configuration as it is, empty where there is none."""
        try:
            return self.api.get(configuration.resource, "", configuration.name)
        except NotFound:
            return {}


def _held(manifest: Mapping[str, Any]) -> tuple[Held, ...]:
    """The bundle of each entry, b"" where it has none."""
    return tuple(_each(manifest))


def _each(manifest: Mapping[str, Any]) -> Iterator[Held]:
    """One entry after the other."""
    for entry in sequence(manifest.get("webhooks")):
        try:
            bundle = base64.b64decode(text(dig(entry, "clientConfig", "caBundle")), validate=True)
        except binascii.Error:
            bundle = b""
        yield Held(text(mapping(entry).get("name")), bundle)
