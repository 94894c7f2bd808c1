"""The CA bundles of the webhook configurations: read and written, and nothing else of them.

Server-side apply under a name of our own keeps every other field with whoever wrote it: Helm meets no conflict. What a
bundle should hold is left to `trust`.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhook.kubeapi.errors import Conflict, NotFound
from webhook.kubeapi.resource import Resource
from webhook.leader.api import ApplyApi
from webhook.leader.ca_bundle_plan import PUBLISHED, Blocks, PublishedBundles, joined, since, stamp
from webhook.model.raw_object import dig, mapping, sequence, text, texts

MANAGER = "mtls-guard-serving"


@dataclass(frozen=True, slots=True)
class WebhookConfigurationName:
    """The name of a webhook configuration, and which of the two kinds it is."""

    resource: Resource
    name: str


class CaBundleStore:
    """The bundles in the entries of these configurations; one that does not exist has none."""

    def __init__(self, api: ApplyApi, targets: Sequence[WebhookConfigurationName]) -> None:
        self.api, self.targets = api, tuple(targets)

    def read(self, at: datetime) -> tuple[PublishedBundles, ...]:
        """What the API server verifies us with now, for each configuration that is there.

        Raises:
            ClusterError: a configuration cannot be read.
        """
        live = {target.name: self._read(target) for target in self.targets}
        return tuple(_published(name, manifest, at) for name, manifest in live.items() if manifest)

    def write(self, published: Sequence[PublishedBundles], blocks: Blocks, at: datetime) -> tuple[str, ...]:
        """Makes every entry hold these CAs where it does not; answers with the configurations that were written.

        published: as it was just read; what has changed since is left for the next time.

        Raises:
            ClusterError: one cannot be written; those before it are done.
        """
        bundle, written = joined(blocks), []
        resources = {target.name: target.resource for target in self.targets}
        for each in published:
            if each.bundles and (each.since is None or set(each.blocks) != set(blocks)):
                with suppress(Conflict, NotFound):
                    self._write(resources[each.name], each, bundle, at)
                    written.append(each.name)
        return tuple(written)

    def _write(self, resource: Resource, each: PublishedBundles, bundle: bytes, at: datetime) -> None:
        """Writes one of them over exactly what was read."""
        coded = base64.b64encode(bundle).decode()
        annotations = {PUBLISHED: stamp(bundle, at)}
        metadata = {"name": each.name, "resourceVersion": each.version, "annotations": annotations}
        entries = [{"name": name, "clientConfig": {"caBundle": coded}} for name in each.bundles]
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        self.api.apply(resource, {**kind, "metadata": metadata, "webhooks": entries}, MANAGER, force=True)

    def _read(self, target: WebhookConfigurationName) -> Mapping[str, Any]:
        """The configuration as it is, empty where there is none."""
        try:
            return self.api.get(target.resource, "", target.name)
        except NotFound:
            return {}


def _published(name: str, manifest: Mapping[str, Any], at: datetime) -> PublishedBundles:
    """The bundles of a configuration, in the order of its entries."""
    bundles = {
        text(mapping(entry).get("name")): _decoded(text(dig(entry, "clientConfig", "caBundle")))
        for entry in sequence(manifest.get("webhooks"))
    }
    value = texts(dig(manifest, "metadata", "annotations")).get(PUBLISHED, "")
    version = text(dig(manifest, "metadata", "resourceVersion"))
    return PublishedBundles(name, version, bundles, since(value, tuple(bundles.values()), at))


def _decoded(coded: str) -> bytes:
    """The bundle, b"" where there is none."""
    try:
        return base64.b64decode(coded, validate=True)
    except binascii.Error:
        return b""
