"""The real tools that bring a release: kubectl, Helm, and programs of `rig/go` with the code of Flux and Argo CD."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from prove.releases.shapes import Object
from rig.control_plane import ControlPlane
from rig.helm import helm_ran
from rig.parts import have

CHART = {"apiVersion": "v2", "name": "release", "version": "1.0.0"}
SECONDS = 180


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a release ended. said: everything that the tool printed, warnings too."""

    good: bool
    said: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release goes: a namespace (team) of a cluster. folder: for its files. issues: cert-manager is there."""

    plane: ControlPlane
    folder: Path
    team: str
    issues: bool = False


def ran(finished: CompletedProcess[str]) -> Outcome:
    """How a program ended."""
    return Outcome(finished.returncode == 0, finished.stdout + finished.stderr)


def by_kubectl(to: Place, objects: Sequence[Object]) -> Outcome:
    """`kubectl apply` of one file."""
    return ran(to.plane.kubectl("apply", "-f", str(written(to.folder, objects)), check=False))


def by_helm(to: Place, objects: Sequence[Object], *options: str) -> Outcome:
    """`helm upgrade --install`, as pipelines have it."""
    written(to.folder, objects)
    words: tuple[str | Path, ...] = ("upgrade", "--install", "release", to.folder, "--namespace", to.team, *options)
    return ran(helm_ran(*words, cluster=to.plane))


def by_helm_with_rollback(to: Place, objects: Sequence[Object]) -> Outcome:
    """The same, taken back when it fails, which also waits until everything is ready."""
    return by_helm(to, objects, "--rollback-on-failure", "--timeout", "60s")


def by_flux(to: Place, objects: Sequence[Object]) -> Outcome:
    """What kustomize-controller does with a Kustomization of that name."""
    return _program(to, objects, "flux", f"--name={to.team}")


def by_argocd(to: Place, objects: Sequence[Object], *options: str) -> Outcome:
    """One sync of an application."""
    return _program(to, objects, "argocd", f"--namespace={to.team}", f"--application={to.team}", *options)


def by_argocd_server_side(to: Place, objects: Sequence[Object]) -> Outcome:
    """The same with ServerSideApply=true."""
    return by_argocd(to, objects, "--server-side")


def _program(to: Place, objects: Sequence[Object], name: str, *options: str) -> Outcome:
    """How one of our programs ends."""
    return ran(
        subprocess.run(
            [have(name), *options, written(to.folder, objects)],
            env=to.plane.environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    )


def written(folder: Path, objects: Sequence[Object]) -> Path:
    """The file with the objects; its folder is a chart, too."""
    (folder / "templates").mkdir(exist_ok=True, parents=True)
    (folder / "Chart.yaml").write_text(json.dumps(CHART), encoding="utf-8")
    file = folder / "templates" / "all.yaml"
    file.write_text("\n---\n".join(json.dumps(one) for one in objects), encoding="utf-8")
    return file


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by its name. bring: brings a release to its place, for the first time or again."""

    name: str
    bring: Callable[[Place, Sequence[Object]], Outcome]

    @property
    def sends_in_any_order(self) -> bool:
        """Whether it sends objects in the order of its input, and is known for a second attempt."""
        return self.name == "kubectl"


KUBECTL = Tool("kubectl", by_kubectl)
HELM = Tool("Helm", by_helm)
HELM_WITH_ROLLBACK = Tool("Helm, --rollback-on-failure", by_helm_with_rollback)
TOOLS = (
    KUBECTL,
    HELM,
    HELM_WITH_ROLLBACK,
    Tool("Flux", by_flux),
    Tool("Argo CD", by_argocd),
    Tool("Argo CD, ServerSideApply", by_argocd_server_side),
)
