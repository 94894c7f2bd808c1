"""Our chart, rendered by the real Helm."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import yaml

from rig.helm import helm
from tools.chart import CHART

NAMESPACE = "mtls-guard"
Objects = list[dict[str, Any]]


def render(values: Mapping[str, Any] | None = None, name: str = "mtls-guard", namespace: str = NAMESPACE) -> Objects:
    """The objects that the chart makes of these values, hooks too; the caller's own to change."""
    return deepcopy(_rendered(json.dumps(values or {}), name, namespace))


def template(values: Mapping[str, Any], name: str = "mtls-guard", namespace: str = NAMESPACE) -> str:
    """What Helm prints."""
    return helm("template", name, CHART, "--namespace", namespace, values=values)


@cache
def _rendered(values: str, name: str, namespace: str) -> Objects:
    """Several tests look at the same objects, and each start of Helm takes a while."""
    return [one for one in yaml.safe_load_all(template(json.loads(values), name, namespace)) if one]


def enforcing(objects: Objects) -> dict[str, Any]:
    """The configuration that may block, as the chart hands it to the leader."""
    return kept(objects, "enforcing.yaml")


def injecting(objects: Objects) -> dict[str, Any]:
    """The same of the configuration that writes into Pods."""
    return kept(objects, "injecting.yaml")


def kept(objects: Objects, key: str) -> dict[str, Any]:
    """What stands under a key of the ConfigMap of entries."""
    text = next(one["data"][key] for one in objects if key in one.get("data", {}))
    manifest: dict[str, Any] = yaml.safe_load(text)
    return manifest
