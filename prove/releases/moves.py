"""Releases that move mounts and DestinationRules of a workload together: at once, in three releases, annotated."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prove.releases.answers import Answer, answer
from prove.releases.matrix import AT_A_TIME, attempts
from prove.releases.shapes import POD, Call, Object, namespace
from prove.releases.tools import TOOLS, Place, Tool
from rig.control_plane import ControlPlane

BEFORE, AFTER = "/etc/before", "/etc/after"
HOSTS = (1, 2)
INTERRUPTION = {"mtls-guard.io/allow-interruption": "true"}
DENY = frozenset(("file-not-mounted", "workload-broken-by-change"))
"""What denies a move at once, and warns when it is annotated."""
WAY_OUT = "drop the old mount"
"""The end of the way without an interruption, in every text."""
BOTH = (BEFORE, AFTER)
STEPS = ((BOTH, BEFORE), (BOTH, AFTER), ((AFTER,), AFTER))
"""Where the Secrets are mounted and what the DestinationRules name, in the three releases without interruption."""


@dataclass(frozen=True, slots=True)
class Move:
    """What came of it. changed: the objects that the denied release changed nonetheless. steps: the three releases."""

    tool: Tool
    hosts: int
    at_once: Answer
    changed: tuple[str, ...]
    steps: tuple[Answer, ...]
    annotated: Answer

    def faults(self) -> Iterator[str]:
        """What must not be: a move at once that is admitted or half applied, another that is denied."""
        if self.at_once.good or not self.at_once.denied <= DENY:
            yield f"at once: {self.at_once.said}"
        if WAY_OUT not in " ".join(self.at_once.said.split()):
            yield f"at once, without the way out: {self.at_once.said}"
        if self.changed:
            yield f"half applied: {', '.join(self.changed)}: {self.at_once.said}"
        for step in (*self.steps, self.annotated):
            if not step.good:
                yield f"denied: {step.said}"
        if not self.annotated.warned & DENY:
            yield f"annotated, without a warning: {self.annotated.said}"


def moves(plane: ControlPlane, tools: Sequence[Tool]) -> Iterator[Move]:
    """Every tool, with one host and with two."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from pool.map(lambda cell: _in_team(plane, *cell), list(product(tools, HOSTS)))


def _in_team(plane: ControlPlane, tool: Tool, hosts: int) -> Move:
    with TemporaryDirectory() as folder:
        return moved(Place(plane, Path(folder), f"move-{TOOLS.index(tool)}-{hosts}"), tool, hosts)


def moved(to: Place, tool: Tool, hosts: int) -> Move:
    """At once, which is denied; in three steps; and back at once, annotated."""
    to.plane.apply(namespace(to.team))
    first = attempts(to, tool, release(to.team, hosts, (BEFORE,), BEFORE))
    assert first[-1].good, first[-1].said
    start = _content(to)
    at_once = _brought(to, tool, release(to.team, hosts, (AFTER,), AFTER))
    changed = _changed(start, _content(to))
    steps = tuple(_brought(to, tool, release(to.team, hosts, mounts, paths)) for mounts, paths in STEPS)
    annotated = _brought(to, tool, release(to.team, hosts, (BEFORE,), BEFORE, INTERRUPTION))
    return Move(tool, hosts, at_once, changed, steps, annotated)


def release(
    team: str, hosts: int, mounts: Sequence[str], paths: str, annotations: dict[str, str] | None = None
) -> list[Object]:
    """One workload, and for each host a Secret, a ServiceEntry and a DestinationRule; the Deployment comes last."""
    calls = [Call(f"host{number}", team, directory=f"{paths}/{number}") for number in range(hosts)]
    objects: list[Object] = []
    for call in calls:
        rule = call.rule()
        meta = {**rule["metadata"], "annotations": annotations or {}}
        objects += [call.secret(), call.entry(), {**rule, "metadata": meta}]
    return [*objects, _deployment(calls, mounts, annotations or {})]


def _deployment(calls: Sequence[Call], mounts: Sequence[str], annotations: dict[str, str]) -> Object:
    volumes = [{"name": call.name, "secret": {"secretName": call.name}} for call in calls]
    mounted = [
        {"name": call.name, "mountPath": f"{folder}/{number}"} for number, call in enumerate(calls) for folder in mounts
    ]
    written = {
        "sidecar.istio.io/userVolume": json.dumps(volumes),
        "sidecar.istio.io/userVolumeMount": json.dumps(mounted),
    }
    labels = {"app": "shop"}
    template = {"metadata": {"labels": labels, "annotations": {**written, **annotations}}, "spec": POD}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "shop", "namespace": calls[0].team}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def _brought(to: Place, tool: Tool, objects: Sequence[Object]) -> Answer:
    """One attempt."""
    return answer(tool.bring(to, objects))


def _content(to: Place) -> dict[str, Any]:
    """The specs of what moves."""
    items = to.plane.get("deployments,destinationrules", "-n", to.team)["items"]
    return {f"{one['kind']} {one['metadata']['name']}": one["spec"] for one in items}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
