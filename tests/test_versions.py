"""Every version in which Istio's kinds are served means the same, whoever asks in which one."""

import json
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.test_engine import said, with_tls
from tests.worked import FOLDER, Object, ask, cluster, of_kind
from webhook.cli import group

VERSIONS = ("v1alpha3", "v1beta1", "v1")
SIDECAR = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Sidecar",
    "metadata": {"name": "default", "namespace": "devel"},
    "spec": {"egress": [{"hosts": ["*/*"]}]},
}
NARROW = {**SIDECAR, "spec": {"egress": [{"hosts": ["./*"]}]}}
KINDS = ("DestinationRule", "ServiceEntry", "VirtualService", "Sidecar")
PAIRS = list(product(VERSIONS, VERSIONS))


def known(kind: str) -> Object:
    """The worked example's object of that kind, or a Sidecar that changes nothing there."""
    return SIDECAR if kind == "Sidecar" else of_kind(kind)


def at(manifest: Object, version: str) -> Object:
    """The object in that version."""
    return {**manifest, "apiVersion": f"networking.istio.io/{version}"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("held", "asked"), PAIRS)
def test_object_is_the_same_in_every_api_version(kind: str, held: str, asked: str) -> None:
    """The watches follow one version; a client may write another."""
    before = at(known(kind), held)
    assert said(ask(cluster(before, without=(kind,)), "UPDATE", at(before, asked), at(before, asked))) == []
    broken = [] if kind == "Sidecar" else [f"warn workload-broken-by-change {kind}"]
    assert said(ask(cluster(before, without=(kind,)), "DELETE", at(before, asked))) == broken


@pytest.mark.parametrize(("held", "asked"), PAIRS)
def test_faults_are_answered_alike_in_every_api_version(held: str, asked: str) -> None:
    good, broken = at(of_kind("DestinationRule"), held), with_tls(mode="SIMPLE")
    path = "client-certificate-ignored DestinationRule spec.trafficPolicy.portLevelSettings[0].tls.mode"
    view = cluster(good, without=("DestinationRule",))
    assert said(ask(view, "UPDATE", at(broken, asked), at(good, asked))) == [f"deny {path}"]
    view = cluster(at(broken, held), without=("DestinationRule",))
    assert said(ask(view, "UPDATE", at(broken, asked), at(broken, asked))) == [f"warn {path}"]


@pytest.mark.parametrize(("held", "asked"), PAIRS)
def test_sidecar_excluding_own_namespace_is_denied(held: str, asked: str) -> None:
    verdict = ask(cluster(at(SIDECAR, held)), "UPDATE", at(NARROW, asked), at(SIDECAR, asked))
    assert said(verdict) == ["deny workload-broken-by-change Sidecar"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worked example in the current folder."""
    for file in FOLDER.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewrite(folder: Path, version: str, old: str = "", new: str = "") -> None:
    """Istio's objects in that version, with a word replaced."""
    file = folder / "istio.yaml"
    file.write_text(file.read_text().replace("networking.istio.io/v1", f"networking.istio.io/{version}"))
    file.write_text(file.read_text().replace(old, new) if old else file.read_text())


def run(*args: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(group, args)


@pytest.mark.parametrize("version", VERSIONS)
def test_check_finds_and_locates_a_fault_in_every_version(folder: Path, version: str) -> None:
    """The line is that of the field, the object the one that was written."""
    rewrite(folder, version, "mode: MUTUAL", "mode: SIMPLE")
    verdicts = json.loads(run("check", ".", "-o", "json").stdout)["verdicts"]
    found = [
        (one["rule"], one["object"]["apiVersion"], one.get("source")) for each in verdicts for one in each["findings"]
    ]
    line = 1 + (folder / "istio.yaml").read_text().splitlines().index("          mode: SIMPLE")
    told = ("client-certificate-ignored", f"networking.istio.io/{version}", {"file": "istio.yaml", "line": line})
    assert [one for one in found if one[0] == told[0]] == [told, told]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["destinationrule", "serviceentry"])
def test_explain_finds_an_object_in_every_version(folder: Path, kind: str, version: str) -> None:
    """And draws the chains of its workloads."""
    rewrite(folder, version)
    name = {"destinationrule": "external-system-dest-rule", "serviceentry": "external-system-service-entry"}[kind]
    result = run("explain", f"{kind}/{name}")
    assert ("Deployment devel/sample-app" in result.stdout, result.stderr, result.exit_code) == (True, "", 0)


@pytest.mark.parametrize(("older", "newer"), [("v1alpha3", "v1"), ("v1", "v1beta1")])
def test_one_object_in_two_versions_stands_twice(folder: Path, older: str, newer: str) -> None:
    """The API server keeps one of them."""
    for name, version in (("a.yaml", older), ("b.yaml", newer)):
        text = (FOLDER / "istio.yaml").read_text()
        (folder / name).write_text(text.replace("networking.istio.io/v1", f"networking.istio.io/{version}"))
    (folder / "istio.yaml").unlink()
    result = run("check", ".")
    assert sorted(line.partition(" stands")[0] for line in result.stderr.splitlines()) == [
        "note: DestinationRule project/external-system-dest-rule",
        "note: ServiceEntry project/external-system-service-entry",
        "note: VirtualService project/external-system-virtual-service",
    ]
