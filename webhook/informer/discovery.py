"""Which of the wanted kinds the API server serves, and in which version it prefers them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from webhook.informer.watched_kinds import Key, WatchedKind
from webhook.kubeapi.client import ApiClient, ApiRequest
from webhook.kubeapi.errors import ClusterUnavailable, NotFound
from webhook.kubeapi.resource import Resource
from webhook.model.raw_object import dig, mapping, sequence, text

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def discover(connection: ApiClient, wanted: Iterable[WatchedKind]) -> Mapping[Key, Resource]:
    """Those of the wanted kinds that are served; what is not among them is not there, or not yet.

    Raises:
        ClusterUnavailable, Forbidden: the API server does not tell.
    """
    kinds = list(wanted)
    found = {one.key: one.served for one in kinds if one.served is not None}
    groups = {one.group for one in kinds if one.served is None}
    for resource in _served(connection, groups):
        found.setdefault((resource.group, resource.kind), resource)
    keys = {one.key for one in kinds}
    return {key: resource for key, resource in found.items() if key in keys}


def _served(connection: ApiClient, groups: set[str]) -> Iterator[Resource]:
    """The resources of the groups, preferred versions first."""
    told = _read(connection, ApiRequest("GET", "/apis", accept=f"{_AGGREGATED},application/json"))
    if told.get("kind") == "APIGroupList":  # a server before 1.27
        yield from _one_by_one(connection, told, groups)
        return
    for group in sequence(told.get("items")):
        name = text(dig(group, "metadata", "name"))
        for version in sequence(dig(group, "versions")) if name in groups else ():
            yield from _of_version(name, version)


def _of_version(group: str, version: Any) -> Iterator[Resource]:
    for one in sequence(dig(version, "resources")):
        kind, plural = text(dig(one, "responseKind", "kind")), text(dig(one, "resource"))
        if kind and plural:
            yield Resource(group, text(dig(version, "version")), plural, kind, dig(one, "scope") == "Namespaced")


def _one_by_one(connection: ApiClient, told: Mapping[str, Any], groups: set[str]) -> Iterator[Resource]:
    for group in sequence(told.get("groups")):
        name = text(dig(group, "name"))
        if name not in groups:
            continue
        preferred = text(dig(group, "preferredVersion", "version"))
        versions = [text(dig(one, "version")) for one in sequence(dig(group, "versions"))]
        for version in dict.fromkeys([preferred, *versions]):
            yield from _of_list(connection, name, version)


def _of_list(connection: ApiClient, group: str, version: str) -> Iterator[Resource]:
    try:
        told = _read(connection, ApiRequest("GET", f"/apis/{group}/{version}"))
    except NotFound:  # gone since the groups were listed
        return
    for one in sequence(told.get("resources")):
        plural = text(dig(one, "name"))
        if "/" not in plural:
            yield Resource(group, version, plural, text(dig(one, "kind")), dig(one, "namespaced") is True)


def _read(connection: ApiClient, call: ApiRequest) -> Mapping[str, Any]:
    try:
        return mapping(orjson.loads(connection.ask(call)))
    except ValueError as error:
        raise ClusterUnavailable(f"{call}: the answer is no JSON") from error
