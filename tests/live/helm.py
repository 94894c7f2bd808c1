"""Our chart, rendered by the real Helm."""

from collections.abc import Mapping
from typing import Any

import yaml

from rig.helm import helm
from tools.chart import CHART

NAMESPACE = "mtls-guard"
Objects = list[dict[str, Any]]


def render(values: Mapping[str, Any] | None = None, name: str = "mtls-guard", namespace: str = NAMESPACE) -> Objects:
    """The objects that the chart makes of these values, hooks too."""
    said = helm("template", name, CHART, "--namespace", namespace, values=values or {})
    return [one for one in yaml.safe_load_all(said) if one]


def enforcing(objects: Objects) -> dict[str, Any]:
    """The configuration that the leader keeps, as the chart hands it to the leader."""
    text = next(one["data"]["enforcing.yaml"] for one in objects if "enforcing.yaml" in one.get("data", {}))
    found: dict[str, Any] = yaml.safe_load(text)
    return found
