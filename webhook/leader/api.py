"""What the replica that leads asks of the API server; `Connection` can do it."""

from collections.abc import Mapping
from typing import Any, Protocol

from webhook.kubeapi.client import FULL_READ, Query, ReadOptions
from webhook.kubeapi.resource import Resource


class ObjectApi(Protocol):
    """Objects by name: read, written as new, written over what was read."""

    def get(self, resource: Resource, namespace: str, name: str, how: ReadOptions = FULL_READ) -> dict[str, Any]:
        """The object; raises NotFound."""

    def create(self, resource: Resource, manifest: Mapping[str, Any], query: Query | None = None) -> dict[str, Any]:
        """Creates it; raises Conflict where it exists."""

    def replace(self, resource: Resource, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Puts the manifest in place of what is there; raises Conflict where its resourceVersion is not the newest."""


class ApplyApi(ObjectApi, Protocol):
    """Also field by field."""

    def apply(
        self, resource: Resource, manifest: Mapping[str, Any], manager: str, *, force: bool = False
    ) -> dict[str, Any]:
        """Applies the fields of the manifest server-side."""

    def delete(self, resource: Resource, namespace: str, name: str, options: Mapping[str, Any] | None = None) -> None:
        """Deletes it; raises NotFound."""
