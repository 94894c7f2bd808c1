"""Which kinds are served, in which version: as a server of today tells it, and one from before aggregated discovery."""

from typing import Any

import orjson
import pytest

from tests.test_connection import Server, connection, server, token
from webhook.informer.discovery import discover
from webhook.informer.watched_kinds import BUILT_IN, WatchedKind, istio_config_maps
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.errors import ClusterUnavailable
from webhook.kubeapi.resource import Resource

__all__ = ["connection", "server", "token"]
RULE, POD = WatchedKind("networking.istio.io", "DestinationRule"), next(one for one in BUILT_IN if one.kind == "Pod")
WEBHOOKS = next(one for one in BUILT_IN if one.kind == "MutatingWebhookConfiguration")


def kind(plural: str, name: str, scope: str = "Namespaced") -> dict[str, Any]:
    return {"resource": plural, "responseKind": {"kind": name}, "scope": scope}


def aggregated(*groups: tuple[str, tuple[tuple[str, tuple[dict[str, Any], ...]], ...]]) -> bytes:
    """The answer to `/apis` of a server since 1.30; versions in its order of preference."""
    items = [
        {
            "metadata": {"name": name},
            "versions": [{"version": version, "resources": list(held)} for version, held in versions],
        }
        for name, versions in groups
    ]
    return orjson.dumps({"kind": "APIGroupDiscoveryList", "items": items})


def test_the_version_that_the_server_prefers_is_followed(server: Server, connection: ApiClient) -> None:
    rules = kind("destinationrules", "DestinationRule")
    server.replies["/apis"] = (200, aggregated(("networking.istio.io", (("v1", (rules,)), ("v1beta1", (rules,))))), {})
    found = discover(connection, [RULE, POD])
    assert found[RULE.key] == Resource("networking.istio.io", "v1", "destinationrules", "DestinationRule")
    assert found[POD.key] == POD.served


def test_preferred_version_without_the_kind_is_skipped(server: Server, connection: ApiClient) -> None:
    held = (("v2", ()), ("v1", (kind("destinationrules", "DestinationRule"),)))
    server.replies["/apis"] = (200, aggregated(("networking.istio.io", held)), {})
    assert discover(connection, [RULE])[RULE.key].version == "v1"


def test_kind_that_is_not_served_is_no_error(server: Server, connection: ApiClient) -> None:
    other = aggregated(("example.com", (("v1", (kind("destinationrules", "DestinationRule"),)),)))
    server.replies["/apis"] = (200, other, {})
    assert discover(connection, [RULE]) == {}


def test_kinds_without_namespace_are_told_apart(server: Server, connection: ApiClient) -> None:
    group = ("admissionregistration.k8s.io", (("v1", (kind("m", "MutatingWebhookConfiguration", "Cluster"),)),))
    server.replies["/apis"] = (200, aggregated(group), {})
    assert not discover(connection, [WEBHOOKS])[WEBHOOKS.key].namespaced


def test_discovery_without_aggregation_asks_each_group(server: Server, connection: ApiClient) -> None:
    versions = [{"version": "v1alpha3"}, {"version": "v1"}]
    group = {"name": "networking.istio.io", "versions": versions, "preferredVersion": {"version": "v1"}}
    server.replies["/apis"] = (200, orjson.dumps({"kind": "APIGroupList", "groups": [group, {"name": "x"}]}), {})
    listed = [
        {"name": "destinationrules", "kind": "DestinationRule", "namespaced": True},
        {"name": "destinationrules/status", "kind": "DestinationRule", "namespaced": True},
    ]
    server.replies["/apis/networking.istio.io/v1"] = (200, orjson.dumps({"resources": listed}), {})
    server.replies["/apis/networking.istio.io/v1alpha3"] = (404, b"{}", {})
    assert discover(connection, [RULE])[RULE.key].version == "v1"
    assert "/apis/x" not in {path for _, path, _, _ in server.asked}


@pytest.mark.parametrize("body", [b"not JSON", b"\xff"])
def test_an_answer_that_is_no_json_is_no_answer(server: Server, connection: ApiClient, body: bytes) -> None:
    server.replies["/apis"] = (200, body, {})
    with pytest.raises(ClusterUnavailable):
        discover(connection, [RULE])


def test_istio_config_maps_are_watched_by_name_per_revision() -> None:
    names = [one.name for one in istio_config_maps("mesh", ["canary", "default"])]
    assert names == [
        "configmaps mesh/istio",
        "configmaps mesh/istio-sidecar-injector",
        "configmaps mesh/istio-canary",
        "configmaps mesh/istio-sidecar-injector-canary",
    ]
