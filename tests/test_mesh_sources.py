"""Istio's mesh-wide settings are those of its own namespace, whatever else is called alike and whatever came first."""

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from webhook.cli import group
from webhook.model.finding import ObjectRef
from webhook.view import Snapshot


def settings(namespace: str, name: str = "istio") -> dict[str, Any]:
    """A ConfigMap with a MeshConfig that says its namespace."""
    metadata = {"name": name, "namespace": namespace}
    data = {"mesh": f"rootNamespace: {namespace}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def root(objects: Sequence[dict[str, Any]], istio_namespace: str = "") -> str:
    """The root namespace after the objects were put in, in this order."""
    view = Snapshot(istio_namespace=istio_namespace)
    for one in objects:
        view.put(one)
    return view.mesh.root_namespace


ISTIO, TEAM, OTHER = settings("istio-system"), settings("devel"), settings("a-team")


@pytest.mark.parametrize(
    ("objects", "configured", "namespace"),
    [
        ((ISTIO, TEAM, OTHER), "", "istio-system"),
        ((TEAM, OTHER), "", "a-team"),
        ((TEAM,), "", "devel"),
        ((ISTIO, TEAM, OTHER), "devel", "devel"),
        ((TEAM, OTHER), "istio-system", "istio-system"),
        ((settings("istio-system", "istio-canary"), ISTIO), "", "istio-system"),
    ],
)
def test_the_order_of_arrival_decides_nothing(objects: tuple[Any, ...], configured: str, namespace: str) -> None:
    assert {root(order, configured) for order in permutations(objects)} == {namespace}


def test_deleted_foreign_config_map_changes_nothing() -> None:
    view = Snapshot()
    for one in (ISTIO, TEAM):
        view.put(one)
    before = view.mesh
    view.remove(ObjectRef("v1", "ConfigMap", "devel", "istio"))
    assert view.mesh == before
    view.remove(ObjectRef("v1", "ConfigMap", "istio-system", "istio"))
    view.put(TEAM)
    assert view.mesh.root_namespace == "devel"


def test_check_says_whose_settings_count(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("\n---\n".join(json.dumps(one) for one in (TEAM, ISTIO, OTHER)))
    done = CliRunner().invoke(group, ["check", str(tmp_path)])
    rest = "ConfigMaps of namespace a-team, devel do not count"
    assert f"note: Istio's settings are those of namespace istio-system; {rest}\n" in done.stderr
