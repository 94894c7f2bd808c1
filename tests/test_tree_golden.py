"""The trees of everything in examples/broken, and of a gateway, as they were last read by a person.

`UPDATE_GOLDEN=1 python -m pytest tests/test_tree_golden.py` writes them anew; read the difference afterwards.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples import material
from examples.demo import BROKEN, WORKED
from webhook.engine.objects import judge_workload, picture_of
from webhook.kinds.workload import read_workload
from webhook.policy import Policy
from webhook.report.tree import draw
from webhook.view import Snapshot

GOLDEN = Path(__file__).parent / "trees"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = sorted(path.stem for path in BROKEN.glob("*.yaml"))
GATEWAY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: egress, namespace: devel}
spec:
  template:
    metadata:
      labels: {app: egress, sidecar.istio.io/inject: "true"}
      annotations: {inject.istio.io/templates: gateway}
    spec:
      containers:
      - name: istio-proxy
        image: auto
        volumeMounts: [{name: external, mountPath: /etc/mtlsfiles, readOnly: true}]
      volumes: [{name: external, secret: {secretName: external-system-mtls-data}}]
"""


@pytest.fixture(scope="module")
def secrets() -> list[dict[str, object]]:
    """The Secrets of the demo, in namespace devel."""
    return [material.secret(name, values) for name, values in material.secrets(AT).items()]


def manifests(path: Path) -> Iterator[Any]:
    """The objects of a file or folder."""
    for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
        yield from filter(None, yaml.safe_load_all(file.read_text(encoding="utf-8")))


def tree(objects: list[Any], secrets: list[dict[str, object]]) -> str:
    """The tree of the last workload among the objects, over the worked example."""
    view = Snapshot()
    everything = [*manifests(WORKED), *secrets, *objects]
    for one in everything:
        view.put(one)
    workload = [held for held in map(read_workload, everything) if held is not None][-1]
    picture, verdict = picture_of(workload, view, Policy(), AT), judge_workload(workload, view, Policy(), AT)
    return "".join(f"{line}\n" for line in draw(picture, verdict))


def compare(name: str, drawn: str) -> None:
    """The tree is the one that stands in the file."""
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(drawn, encoding="utf-8")
    assert drawn == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_example_has_its_tree(name: str, secrets: list[dict[str, object]]) -> None:
    """With at least one cross, and every finding at a link of its own."""
    drawn = tree(list(manifests(BROKEN / f"{name}.yaml")), secrets)
    compare(name, drawn)
    assert ("\u2717" in drawn, "deny:" in drawn.splitlines()[1]) == (True, False)


def test_a_gateway_has_its_tree(secrets: list[dict[str, object]]) -> None:
    """Its files come from the pod spec, and the annotations that sidecars have are not missed."""
    drawn = tree([yaml.safe_load(GATEWAY)], secrets)
    compare("gateway", drawn)
    assert "\u2717" not in drawn


def test_no_tree_is_left_over() -> None:
    """Of an example that has gone."""
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted([*NAMES, "gateway"])
