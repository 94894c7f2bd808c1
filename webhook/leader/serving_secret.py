"""The Secret in which the webhook's own certificate lives: read by name, created, and changed only as it was read.

What its keys mean is left to `serving`; nothing of them is ever part of an error's text.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.kubeapi.errors import Conflict, NotFound
from webhook.kubeapi.resource import SECRETS
from webhook.leader.api import ObjectApi
from webhook.model.raw_object import mapping, text

_TYPE = "kubernetes.io/tls"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """What was read. manifest: as it came; its resourceVersion guards what is written. None: there is no Secret."""

    values: Mapping[str, bytes]
    manifest: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        """Never a byte of it."""
        return f"Stored({sorted(self.values)})"


class ServingSecret:
    """The Secret of that namespace and name. Labels go with one that is created."""

    def __init__(self, api: ObjectApi, namespace: str, name: str, labels: Mapping[str, str] | None = None) -> None:
        self.api, self.namespace, self.name, self.labels = api, namespace, name, dict(labels or {})

    def read(self) -> StoredSecret:
        """What it holds now; nothing when there is none.

        Raises:
            Forbidden, ClusterUnavailable: as their names say.
        """
        try:
            found = self.api.get(SECRETS, self.namespace, self.name)
        except NotFound:
            return StoredSecret({})
        return StoredSecret(_decoded(mapping(found.get("data"))), found)

    def write(self, values: Mapping[str, bytes], over: StoredSecret) -> bool:
        """Puts these values in the place of what was read; False when another replica was faster: read again.

        What others wrote beside our keys, labels and annotations, stays.

        Raises:
            Rejected: it cannot be changed (`immutable: true`).
            Forbidden, ClusterUnavailable: as their names say.
        """
        encoded = {key: base64.b64encode(value).decode() for key, value in values.items()}
        try:
            if over.manifest is None:
                self.api.create(SECRETS, self._fresh(encoded))
            else:
                self.api.replace(SECRETS, {**over.manifest, "data": encoded})
        except (Conflict, NotFound):
            return False
        return True

    def _fresh(self, data: Mapping[str, str]) -> dict[str, Any]:
        """The Secret as it is created."""
        metadata = {"name": self.name, "namespace": self.namespace, "labels": self.labels}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": _TYPE, "data": dict(data)}


def _decoded(data: Mapping[str, Any]) -> dict[str, bytes]:
    """The values; one that is no base64 is empty."""
    values = {}
    for key, value in data.items():
        try:
            values[key] = base64.b64decode(text(value), validate=True)
        except binascii.Error:
            values[key] = b""
    return values
