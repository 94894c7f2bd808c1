"""When the controller of a Pod was created: from the view, or asked of the API server where the kind is not watched.

ReplicaSets of Deployments are not watched: there may be ten times as many as workloads. One is found by a list with its
name as field selector, which needs no right beyond those of the watches.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from webhook.informer.store import Store
from webhook.kinds.controllers import controller_of
from webhook.kinds.registry import BY_KIND
from webhook.kubeapi.client import METADATA_LIST, ApiClient, ApiRequest
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable
from webhook.kubeapi.resource import Resource, registered
from webhook.model.raw_object import dig, group_of, mapping, sequence, text
from webhook.model.request import Request
from webhook.trace.pod_owner import created

_SHARE = 0.25
"""Of the time that the API server waits for the answer to the review."""
_KINDS: Mapping[tuple[str, str], Resource] = {
    group_kind: registered(group_kind[1]) for group_kind in BY_KIND["Pod"].creators
}


class ControllerAgeReader:
    """Tells the creationTimestamp of the controller of a Pod; safe for several threads."""

    def __init__(self, connection: ApiClient, store: Store) -> None:
        self._connection, self._store = connection, store

    def __call__(self, request: Request, /) -> str:
        """The creationTimestamp, '' for a Pod without a controller, or when it cannot be told.

        While the API server does not answer, now: what cannot be told is not taken for old.
        """
        owner = controller_of(mapping(request.new.get("metadata")))
        if not owner:
            return ""
        with self._store.lock:
            known = created(self._store.view, request.ref.namespace, owner)
        return known or self._asked(request, owner)

    def _asked(self, request: Request, owner: Mapping[str, object]) -> str:
        resource = _KINDS.get((group_of(text(owner.get("apiVersion"))), text(owner.get("kind"))))
        if resource is None:
            return ""
        query: dict[str, str | int] = {"fieldSelector": f"metadata.name={text(owner.get('name'))}", "limit": 1}
        path, seconds = resource.path(request.ref.namespace), request.seconds * _SHARE
        try:
            answer = self._connection.ask(ApiRequest("GET", path, query, accept=METADATA_LIST, seconds=seconds))
            items = sequence(dig(orjson.loads(answer), "items"))
        except ClusterUnavailable:
            return datetime.now(UTC).isoformat(timespec="seconds")
        except (ClusterError, ValueError):
            return ""
        return next((text(dig(one, "metadata", "creationTimestamp")) for one in items if _same(one, owner)), "")


def _same(item: object, owner: Mapping[str, object]) -> bool:
    """Whether it is the object that the owner reference names, and not a later one of that name."""
    return text(dig(item, "metadata", "uid")) == text(owner.get("uid"))
