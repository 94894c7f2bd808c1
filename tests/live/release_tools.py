"""Release tools at work on a real API server: the real Helm and kubectl, and the calls of Flux and Argo CD by kubectl.

What Flux's and Argo CD's engines ask of the API server was read from their code: fluxcd/pkg/ssa 0.78 labels each
object, sends all of them as a server-side dry run and stops at the first denial, then applies what defines kinds and
namespaces, then the rest; gitops-engine of 2026-09-14 applies one object after the other in its order of kinds, with
the field manager argocd-controller.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from rig.control_plane import ControlPlane
from rig.helm import HelmFailed, helm
from tests.releases import TOOLS, Object, Tool

BY_NAME = {tool.name: tool for tool in TOOLS}
CHART = {"apiVersion": "v2", "name": "release", "version": "1.0.0"}


@dataclass(frozen=True)
class Outcome:
    """How a release ended. said: everything that the tool printed, warnings too."""

    good: bool
    said: str


@dataclass(frozen=True)
class Place:
    """Where a release goes: a namespace (team) of a cluster. folder: for its files."""

    plane: ControlPlane
    folder: Path
    team: str


Release = Callable[[Place, Sequence[Object]], Outcome]
"""Brings a release to its place, for the first time or again."""


def _ran(ran: CompletedProcess[str]) -> Outcome:
    return Outcome(ran.returncode == 0, ran.stdout + ran.stderr)


def by_kubectl(to: Place, objects: Sequence[Object]) -> Outcome:
    """`kubectl apply` of one file."""
    file = _written(to.folder, objects)
    return _ran(to.plane.kubectl("apply", "-n", to.team, "-f", str(file), check=False))


def by_helm(to: Place, objects: Sequence[Object], *options: str) -> Outcome:
    """`helm upgrade --install`, as pipelines have it."""
    _written(to.folder, objects)
    try:
        said = helm("upgrade", "--install", "release", to.folder, "--namespace", to.team, *options, cluster=to.plane)
    except HelmFailed as error:
        return Outcome(False, str(error))
    return Outcome(True, said)


def by_helm_with_rollback(to: Place, objects: Sequence[Object]) -> Outcome:
    """The same, taken back when it fails, which also waits until everything is ready."""
    return by_helm(to, objects, "--rollback-on-failure", "--timeout", "60s")


def by_flux(to: Place, objects: Sequence[Object]) -> Outcome:
    """A dry run of everything, which the first denial ends; then everything in its order."""
    tool = BY_NAME["flux"]
    manager = ("--server-side", f"--field-manager={tool.manager}", "--force-conflicts")
    return _one_by_one(to, tool, objects, [(*manager, "--dry-run=server"), manager])


def by_argocd(to: Place, objects: Sequence[Object]) -> Outcome:
    """A client-side apply of one object after the other."""
    tool = BY_NAME["argocd"]
    return _one_by_one(to, tool, objects, [(f"--field-manager={tool.manager}",)])


def by_argocd_server_side(to: Place, objects: Sequence[Object]) -> Outcome:
    """The same with ServerSideApply=true."""
    tool = BY_NAME["argocd"]
    manager = ("--server-side", f"--field-manager={tool.manager}", "--force-conflicts")
    return _one_by_one(to, tool, objects, [manager])


def _one_by_one(to: Place, tool: Tool, objects: Sequence[Object], rounds: Sequence[tuple[str, ...]]) -> Outcome:
    """Each round sends the objects in the order of the tool, and is the last where one is refused."""
    file = _written(to.folder, tool.ordered([tool.signed(one) for one in objects]))
    said = ""
    for options in rounds:
        outcome = _ran(to.plane.kubectl("apply", *options, "-f", str(file), check=False))
        said += outcome.said
        if not outcome.good:
            return Outcome(False, said)
    return Outcome(True, said)


def _written(folder: Path, objects: Sequence[Object]) -> Path:
    """The file with the objects; its folder is a chart, too."""
    (folder / "templates").mkdir(exist_ok=True, parents=True)
    (folder / "Chart.yaml").write_text(json.dumps(CHART), encoding="utf-8")
    file = folder / "templates" / "all.yaml"
    file.write_text("\n---\n".join(json.dumps(one) for one in objects), encoding="utf-8")
    return file


RELEASES: Mapping[str, Release] = {
    "kubectl": by_kubectl,
    "helm": by_helm,
    "helm --rollback-on-failure": by_helm_with_rollback,
    "flux": by_flux,
    "argocd": by_argocd,
    "argocd ServerSideApply": by_argocd_server_side,
}


def definition(group: str, kind: str, plural: str, *, namespaced: bool = True) -> dict[str, Any]:
    """A CustomResourceDefinition for objects of any shape."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    spec = {"group": group, "scope": "Namespaced" if namespaced else "Cluster", "names": names, "versions": [version]}
    meta = {"name": f"{plural}.{group}"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}
