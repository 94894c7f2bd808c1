"""One object, however large or deep, takes a bounded part of a replica's memory, and keeps no other from being read."""

import json
from typing import Any

import pytest

from tests.test_store import put, store_of
from webhook.decoding.json_text import load_json_cut, too_deep
from webhook.informer.list_watch import ObjectUpserted
from webhook.informer.transform import LARGE
from webhook.kinds.destination_rule import read_destination_rule
from webhook.kinds.service import read_services
from webhook.kinds.sidecar import read_sidecar
from webhook.kinds.virtual_service import read_virtual_service
from webhook.kinds.workload import read_workload
from webhook.model.byte_bounded_cache import weigh

MEGABYTE = 1024 * 1024
NETWORKING = "networking.istio.io/v1"


def istio(kind: str, **spec: Any) -> dict[str, Any]:
    """An object of Istio."""
    return {"apiVersion": NETWORKING, "kind": kind, "metadata": {"name": "a", "namespace": "devel"}, "spec": spec}


def deployment(annotations: dict[str, str], **spec: Any) -> dict[str, Any]:
    """A Deployment with the annotations on itself and on its template."""
    metadata = {"name": "a", "namespace": "devel", "annotations": dict(annotations)}
    template = {"metadata": {"annotations": dict(annotations)}, "spec": spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


@pytest.mark.parametrize(
    ("manifest", "read"),
    [
        (istio("DestinationRule", subsets=[{"name": "a"}] * 80_000), read_destination_rule),
        (istio("DestinationRule", exportTo=["a"] * 200_000), read_destination_rule),
        (istio("ServiceEntry", hosts=[f"h{number}" for number in range(100_000)]), read_services),
        (istio("ServiceEntry", hosts=["h"], ports=[{"number": 1}] * 80_000), read_services),
        (istio("VirtualService", http=[{}] * 300_000), read_virtual_service),
        (istio("Sidecar", egress=[{"hosts": ["a"]}] * 60_000), read_sidecar),
        (deployment({}, containers=[{"name": "a"}] * 80_000), read_workload),
        (deployment({}, volumes=[{"name": "a"}] * 80_000), read_workload),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_of_lists_of_a_megabyte_little_is_kept(manifest: dict[str, Any], read: Any) -> None:
    assert weigh(read(manifest)) < MEGABYTE // 2 < len(json.dumps(manifest))


def test_stored_routes_are_no_larger_than_objects() -> None:
    """The product of two lists is bounded by the size of the object."""
    whole = istio("VirtualService", http=[{"match": [{}] * 250, "route": [{"destination": {"host": "a"}}]}] * 250)
    assert weigh(read_virtual_service(whole)) < 12 * MEGABYTE


def test_only_annotations_of_istio_are_stored() -> None:
    store, sources = store_of("Deployment", "DestinationRule")
    large = {"a.example.com/notes": "x" * 100_000, "proxy.istio.io/config": "y" * 2 * LARGE, "small": "z" * LARGE}
    put(store, sources["Deployment"], deployment(large))
    (held,) = store.view.workloads.all()
    assert held.annotations.keys() == held.template.annotations.keys() == {"proxy.istio.io/config", "small"}
    rule = istio("DestinationRule", host="h")
    rule["metadata"]["annotations"] = {**large, "kubectl.kubernetes.io/last-applied-configuration": "{}" + " " * 5000}
    put(store, sources["DestinationRule"], rule)
    (kept,) = store.view.config.rules
    assert kept.annotations.keys() == {"proxy.istio.io/config", "small"}


@pytest.mark.parametrize("depth", [10, 900, 1_100])
def test_an_object_of_any_depth_keeps_no_list_from_being_read(depth: int) -> None:
    deep = {"metadata": {"name": "deep", "note": '"[{'}, "spec": "HERE"}
    page = json.dumps({"items": [deep, {"metadata": {"name": "good"}}]})
    raw = page.replace('"HERE"', '{"a": ' * depth + "[1]" + "}" * depth).encode()
    read = load_json_cut(raw)
    assert [one["metadata"]["name"] for one in read["items"]] == ["deep", "good"]
    assert read["items"][0]["metadata"]["note"] == '"[{'
    assert too_deep(read, 250) is (200 < depth <= 1024)


@pytest.mark.parametrize("kind", ["Deployment", "DestinationRule", "Rollout"])
def test_a_deep_object_is_stored_or_left_out_but_ends_nothing(kind: str) -> None:
    store, sources = store_of(kind)
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    made = (
        deployment({}, containers=[{"name": "a", "x": deep}], deep=deep) if kind != "DestinationRule" else istio(kind)
    )
    made["spec"]["deep"] = deep
    store.take(sources[kind], [ObjectUpserted({**made, "kind": kind})])
    assert len([*store.view.workloads.all(), *store.view.config.rules]) == 1
