"""An API server in memory for what the shells in `webhook.cluster` ask: resourceVersions, conflicts, nothing else.

The same shells meet the real one in tests/live; here, each interleaving of two replicas can be played.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import product
from typing import Any

from webhook.kubeapi.client import FULL_READ, Query, ReadOptions
from webhook.kubeapi.errors import ClusterUnavailable, Conflict, NotFound
from webhook.kubeapi.resource import Resource


class Memory:
    """Objects by path. before: called ahead of each request, with its verb and path; may write, or raise."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.before: Callable[[str, str], None] = lambda _verb, _path: None
        self.asked: list[str] = []

    def get(self, resource: Resource, namespace: str, name: str, how: ReadOptions = FULL_READ) -> dict[str, Any]:
        assert how.seconds > 0
        path = self._ask("get", resource, namespace, name)
        return deepcopy(self._at(path))

    def create(self, resource: Resource, manifest: Mapping[str, Any], query: Query | None = None) -> dict[str, Any]:
        path = self._ask("create", resource, *named(manifest))
        if (query or {}).get("dryRun"):
            return {**manifest}
        if path in self.objects:
            raise Conflict(f"{path} exists", 409)
        return self._put(path, manifest)

    def replace(self, resource: Resource, manifest: Mapping[str, Any]) -> dict[str, Any]:
        path = self._ask("replace", resource, *named(manifest))
        if manifest["metadata"].get("resourceVersion") != self._at(path)["metadata"]["resourceVersion"]:
            raise Conflict(f"{path} has changed", 409)
        return self._put(path, manifest)

    def apply(
        self, resource: Resource, manifest: Mapping[str, Any], manager: str, *, force: bool = False
    ) -> dict[str, Any]:
        """As the API server, for CA bundles of entries; all else is only created by it here."""
        assert (manager != "", force) == (True, True)
        path = self._ask("apply", resource, *named(manifest))
        if path not in self.objects:
            return self._put(path, manifest)
        live = deepcopy(self.objects[path])
        if manifest["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            raise Conflict(f"{path} has changed", 409)
        live["metadata"].setdefault("annotations", {}).update(manifest["metadata"].get("annotations", {}))
        for shall, has in product(manifest["webhooks"], live["webhooks"]):
            if shall["name"] == has["name"]:
                has["clientConfig"] |= shall["clientConfig"]
        return self._put(path, live)

    def delete(self, resource: Resource, namespace: str, name: str, options: Mapping[str, Any] | None = None) -> None:
        path = self._ask("delete", resource, namespace, name)
        assert (options or {})["preconditions"]["uid"] == self._at(path)["metadata"].get("uid", "")
        del self.objects[path]

    def _ask(self, verb: str, resource: Resource, namespace: str, name: str) -> str:
        path = resource.path(namespace, name)
        before, self.before = self.before, lambda _verb, _path: None
        try:
            before(verb, path)
        finally:
            self.before = before
        self.asked.append(f"{verb} {path}")
        return path

    def _at(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise NotFound(f"{path} is not there", 404)
        return self.objects[path]

    def _put(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        self.version += 1
        made = deepcopy(dict(manifest))
        made["metadata"] = {**made["metadata"], "resourceVersion": str(self.version)}
        self.objects[path] = made
        return deepcopy(made)


def named(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name."""
    metadata = manifest["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def unavailable(_verb: str, path: str) -> None:
    """An API server that does not answer."""
    raise ClusterUnavailable(f"{path}: no answer")
