"""Whether replicas of another Pod template are there: during a rollout they may serve what we do not know of."""

from typing import Any, Protocol

import orjson

from webhook.kubeapi.client import METADATA_LIST, Query
from webhook.kubeapi.resource import PODS, Resource
from webhook.model.raw_object import dig, mapping, sequence, texts

_TEMPLATE = "pod-template-hash"
_SELECTOR = ("app.kubernetes.io/name", "app.kubernetes.io/instance")


class ListApi(Protocol):
    """Lists; `Connection` can do it."""

    def page(self, resource: Resource, namespace: str = "", query: Query | None = None, accept: str = "") -> bytes:
        """One page of a list."""


def others_of(api: ListApi, namespace: str, name: str) -> bool:
    """Whether Pods of the same application, but of another template than the one of this name, are in the namespace.

    False where there is no such Pod: this is no Pod then.

    Raises:
        ClusterError: they cannot be listed.
    """
    own = next(iter(_labels(api, namespace, {"fieldSelector": f"metadata.name={name}"} if name else {})), None)
    if not own or not name:
        return False
    selector = ",".join(f"{key}={own[key]}" for key in _SELECTOR if key in own)
    alike = _labels(api, namespace, {"labelSelector": selector})
    return any(labels.get(_TEMPLATE) != own.get(_TEMPLATE) for labels in alike)


def _labels(api: ListApi, namespace: str, query: Query) -> list[Any]:
    """The labels of Pods."""
    listed = mapping(orjson.loads(api.page(PODS, namespace, query, METADATA_LIST)))
    return [texts(dig(pod, "metadata", "labels")) for pod in sequence(listed.get("items"))]
