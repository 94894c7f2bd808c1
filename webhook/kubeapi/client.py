"""Asks the API server: JSON in, raw bytes or JSON out.

No client models: 10,000 Pods cost ten seconds and 600 MiB in them. What an answer means is left to the callers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from webhook.kubeapi.credentials import ApiAccess
from webhook.kubeapi.errors import ClusterUnavailable
from webhook.kubeapi.resource import Resource
from webhook.kubeapi.transport import (
    APPLY_PATCH,
    JSON,
    JSON_PATCH,
    MERGE_PATCH,
    METADATA_LIST,
    METADATA_ONLY,
    ApiRequest,
    Query,
    RequestBody,
    Transport,
    WatchStream,
)
from webhook.model.raw_object import mapping, text

__all__ = [
    "APPLY_PATCH",
    "FULL_READ",
    "JSON",
    "JSON_PATCH",
    "MERGE_PATCH",
    "METADATA_LIST",
    "METADATA_ONLY",
    "ApiClient",
    "ApiRequest",
    "Query",
    "ReadOptions",
    "RequestBody",
    "WatchStream",
]
_LIST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How an object is read. accept: JSON, or METADATA_ONLY for one without its content. seconds: how long to wait.

    at_hand: as the API server has it at hand, which may be behind by moments, also of what it has acknowledged.
    """

    accept: str = JSON
    seconds: float = 10.0
    at_hand: bool = False


FULL_READ = ReadOptions()
"""Whole, and with all that the API server has acknowledged."""


class ApiClient:
    """The API server, for one identity. Safe for several threads."""

    def __init__(self, access: ApiAccess) -> None:
        self._transport = Transport(access)

    def get(self, resource: Resource, namespace: str, name: str, how: ReadOptions = FULL_READ) -> dict[str, Any]:
        """The object. namespace: '' for a kind without.

        Raises:
            NotFound, Forbidden, ClusterUnavailable: as their names say.
        """
        query = {"resourceVersion": "0"} if how.at_hand else None
        return self._object(
            ApiRequest("GET", resource.path(namespace, name), query, accept=how.accept, seconds=how.seconds)
        )

    def page(self, resource: Resource, namespace: str = "", query: Query | None = None, accept: str = JSON) -> bytes:
        """One page of a list, as it came. query: `limit`, `continue`, `resourceVersion`, `fieldSelector`...

        Raises:
            Gone: the `continue` token or the resourceVersion is too old.
            NotFound: the kind is not served.
            Forbidden, ClusterUnavailable: as their names say.
        """
        return self.ask(ApiRequest("GET", resource.path(namespace), query, accept=accept, seconds=_LIST_SECONDS))

    def create(self, resource: Resource, manifest: Mapping[str, Any], query: Query | None = None) -> dict[str, Any]:
        """Creates the object that the manifest names, and answers with what is there now. query: `dryRun`...

        Raises:
            Conflict: it exists already.
            Rejected: it is not valid.
            Forbidden: we may not, or an admission webhook denies it.
        """
        namespace, _ = _named(manifest)
        return self._object(ApiRequest("POST", resource.path(namespace), query, RequestBody(manifest)))

    def replace(self, resource: Resource, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Puts the manifest in place of what is there, if that still has the manifest's resourceVersion.

        Raises:
            Conflict: it has changed since.
        """
        return self._object(ApiRequest("PUT", resource.path(*_named(manifest)), body=RequestBody(manifest)))

    def apply(
        self, resource: Resource, manifest: Mapping[str, Any], manager: str, *, force: bool = False
    ) -> dict[str, Any]:
        """Applies the fields of the manifest server-side, as their manager. force: takes fields over from others.

        Raises:
            Conflict: another manager owns one of the fields, and force is not set.
        """
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return self._object(
            ApiRequest("PATCH", resource.path(*_named(manifest)), query, RequestBody(manifest, APPLY_PATCH))
        )

    def patch(
        self, resource: Resource, namespace: str, name: str, body: RequestBody, manager: str = ""
    ) -> dict[str, Any]:
        """Patches the object. body: its form is MERGE_PATCH or JSON_PATCH."""
        query = {"fieldManager": manager} if manager else None
        return self._object(ApiRequest("PATCH", resource.path(namespace, name), query, body))

    def delete(self, resource: Resource, namespace: str, name: str, options: Mapping[str, Any] | None = None) -> None:
        """Deletes the object. options: a DeleteOptions, such as `{"preconditions": {"uid": ...}}`.

        Raises:
            NotFound: it is not there.
            Conflict: the preconditions do not hold.
        """
        self.ask(ApiRequest("DELETE", resource.path(namespace, name), body=RequestBody(options) if options else None))

    def watch(self, resource: Resource, namespace: str, query: Query, accept: str = JSON) -> WatchStream:
        """Opens a watch. query: also `timeoutSeconds`; a silence of a quarter more than that counts as a cut line.

        Raises:
            Gone: the resourceVersion is too old; that also comes as a line, after the watch was accepted.
            NotFound, Forbidden, ClusterUnavailable: as their names say.
        """
        silence = float(query.get("timeoutSeconds", 60)) * 1.25
        given: dict[str, str | int] = {**query, "watch": "true"}
        call = ApiRequest("GET", resource.path(namespace), given, accept=accept, seconds=silence)
        return self._transport.open(call)

    def ask(self, call: ApiRequest) -> bytes:
        """The body of the answer. Raises a ClusterError when it is no success."""
        return self._transport.ask(call)

    def _object(self, call: ApiRequest) -> dict[str, Any]:
        """The answer as a JSON object."""
        try:
            found = orjson.loads(self.ask(call))
        except ValueError as error:
            raise ClusterUnavailable(f"{call}: the answer is no JSON") from error
        if not isinstance(found, dict):
            raise ClusterUnavailable(f"{call}: the answer is no JSON object")
        return found


def _named(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of the object that the manifest is."""
    metadata = mapping(manifest.get("metadata"))
    return text(metadata.get("namespace")), text(metadata.get("name"))
