"""Where the real etcd, kube-apiserver, kubectl, Helm, Istio and the CRDs of others are: installed, or built once.

Their versions are pinned by the Go modules in `rig/go/`. What is built lies outside the checkout, in a folder named by
version and content of the module, so that two checkouts share it and a changed pin builds anew.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from webhook.model.versions import HELM_BASELINE, ISTIO_BASELINE, KUBERNETES_BASELINE

MODULES = Path(__file__).parent / "go"
GO = "Go 1.26 or newer (https://go.dev/dl)"
ASK_SECONDS = 20
KUBERNETES = f"v{KUBERNETES_BASELINE}.2"
HELM = f"v{HELM_BASELINE}.1"
ISTIO_VERSION = f"{ISTIO_BASELINE}-20260827"
"""The branch and the day of the commit that `rig/go/istio/go.mod` pins: there was no release with it yet."""
_KUBERNETES_VERSION = "k8s.io/component-base/version"


class PartMissing(Exception):
    """A part is neither here nor can it be built; the text says which, and what to install."""


class MachineLacks(PartMissing):
    """This machine cannot do what is needed, whatever is installed or built: another system, no root."""


@dataclass(frozen=True, slots=True)
class Build:
    """One `go build`. folder: below rig/go. names: what the file is called by. flags: for the linker."""

    folder: str
    version: str
    names: tuple[str, ...]
    package: str = "."
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A folder of a module's source. pinned: the folder below rig/go whose go.mod names the module's version."""

    pinned: str
    module: str
    folder: str


@dataclass(frozen=True, slots=True)
class Found:
    """How an installed program is asked for its version, and the start of the versions that fit."""

    ask: tuple[str, ...]
    fits: str


BUILDS = (
    Build("etcd", "v3.7.3", ("etcd",)),
    Build(
        "kubernetes",
        KUBERNETES,
        ("kube-apiserver", "kube-controller-manager", "kubectl"),
        flags=f"-X {_KUBERNETES_VERSION}.gitVersion={KUBERNETES} "
        f"-X {_KUBERNETES_VERSION}.gitMajor=1 -X {_KUBERNETES_VERSION}.gitMinor=37",
    ),
    Build("helm", HELM, ("helm",), "helm.sh/helm/v4/cmd/helm", f"-X helm.sh/helm/v4/internal/version.version={HELM}"),
    Build(
        "istio",
        ISTIO_VERSION,
        ("pilot-discovery", "pilot-agent"),
        flags=f"-X istio.io/istio/pkg/version.buildVersion={ISTIO_VERSION}",
    ),
    Build("oracle", ISTIO_VERSION, ("oracle",)),
    Build("flux", "v0.78.0", ("flux",)),
    Build("argocd", "2026-09-14", ("argocd",)),
    Build("cert-manager", "v1.21.2", ("cert-manager",)),
)
INSTALLED = {
    "etcd": Found(("--version",), "3.7."),
    "kube-apiserver": Found(("--version",), f"{KUBERNETES_BASELINE}."),
    "kube-controller-manager": Found(("--version",), f"{KUBERNETES_BASELINE}."),
    "kubectl": Found(("version", "--client"), f"{KUBERNETES_BASELINE}."),
    "helm": Found(("version", "--template", "{{.Version}}"), "4."),
}
MANIFESTS, CERT_MANAGER, PROMETHEUS = "istio-manifests", "cert-manager-crds", "prometheus-operator-crds"
UNPACKED = {
    MANIFESTS: Unpacked("istio", "istio.io/istio", "manifests"),
    CERT_MANAGER: Unpacked("operators", "github.com/cert-manager/cert-manager", "deploy/crds"),
    PROMETHEUS: Unpacked(
        "operators", "github.com/prometheus-operator/prometheus-operator", "example/prometheus-operator-crd"
    ),
}
"""No programs: Istio's CRDs and charts, and the CRDs of the operators that the chart can speak to."""
PARTS = (*INSTALLED, MANIFESTS)
MESH_PARTS = ("pilot-discovery", "pilot-agent")
"""What only the proof needs."""
RELEASE_PARTS = ("flux", "argocd", "cert-manager")
"""What only the proof of releases needs: the real logic of controllers, built when that is run."""


@cache
def have(part: str) -> Path:
    """The program of that name, or the folder of source: installed where that fits, else built, now if need be.

    Looks into KUBEBUILDER_ASSETS, then PATH. A build takes minutes the first time; others that want it meanwhile wait.

    Raises:
        PartMissing: it is not here and cannot be built.
    """
    if part in UNPACKED:
        return _unpacked(part, UNPACKED[part])
    installed = _installed(part)
    if installed:
        return installed
    return _built(next(build for build in BUILDS if part in build.names)) / part


def cache_folder() -> Path:
    """Where built parts are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtls-guard"


def _installed(part: str) -> Path | None:
    """A program that this machine offers already, in a version that fits; Istio's are always built."""
    if part not in INSTALLED:
        return None
    for places in (os.environ.get("KUBEBUILDER_ASSETS", ""), os.environ.get("PATH", "")):
        found = shutil.which(part, path=places)
        if found and _fits(Path(found), INSTALLED[part]):
            return Path(found)
    return None


def _fits(program: Path, wanted: Found) -> bool:
    """Whether the program says a version that we can use."""
    try:
        asked = subprocess.run([program, *wanted.ask], capture_output=True, text=True, timeout=ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    version = re.search(r"\d+\.\d+\.\d+", asked.stdout)
    return version is not None and version[0].startswith(wanted.fits)


def _built(build: Build) -> Path:
    """The folder that holds the built programs; builds them unless that was done."""
    module = MODULES / build.folder
    folder = cache_folder() / f"{build.folder}-{build.version}-{_fingerprint(module, build)}"
    if folder.is_dir():
        return folder
    _demand_go(", ".join(build.names), build.version)
    with lock():
        if not folder.is_dir():
            _build(build, module, folder)
    return folder


def _fingerprint(module: Path, build: Build) -> str:
    """Changes when what is built would be another program."""
    content = b"".join(file.read_bytes() for file in sorted(module.iterdir()))
    return hashlib.sha256(content + repr(build).encode()).hexdigest()[:12]


def _build(build: Build, module: Path, folder: Path) -> None:
    """Builds beside the folder and renames at the end, so that a folder that is there is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.building-") as made:
        first, *others = build.names
        target = Path(made, "whole")
        options = ["-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {build.flags}".strip()]
        _go(["build", *options, "-o", str(target / first), build.package], module)
        for other in others:
            (target / other).symlink_to(first)
        target.rename(folder)


def _unpacked(part: str, wanted: Unpacked) -> Path:
    """The folder; Go fetches and verifies the module unless that was done."""
    _demand_go(part, "as pinned")
    _go(["mod", "download", wanted.module], MODULES / wanted.pinned)
    found = _go(["list", "-m", "-f", "{{.Dir}}", wanted.module], MODULES / wanted.pinned)
    return Path(found.strip(), wanted.folder)


def _demand_go(what: str, version: str) -> None:
    """Raises PartMissing where there is no Go."""
    if not shutil.which("go"):
        raise PartMissing(
            f"{what} {version}: install {GO}, or name a folder that holds what fits in KUBEBUILDER_ASSETS or PATH"
        )


def _go(arguments: list[str], module: Path) -> str:
    """What a Go command says, run in a module; nothing there is changed."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    try:
        return subprocess.run(
            ["go", *arguments], cwd=module, env=environment, capture_output=True, text=True, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        said = "\n".join(error.stderr.strip().splitlines()[-5:])
        raise PartMissing(f"{module.name} cannot be built with {GO} and a module proxy: {said}") from error


@contextmanager
def lock() -> Iterator[None]:
    """Held by one at a time on this machine: a build takes all of it anyway."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "build.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
