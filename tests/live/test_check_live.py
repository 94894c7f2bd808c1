"""`check --live` on a real API server: the whole cluster, files laid over it, and what rights do not show."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rig.control_plane import ControlPlane, control_plane
from rig.waiting import until
from tests import worked
from tests.live.tunnel import tunnel
from webhook.cli import group

pytestmark = pytest.mark.slow
BROKEN = worked.FOLDER.parent / "broken"


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """A cluster that holds the worked example with a Secret that is valid today."""
    from datetime import UTC, datetime

    from certs.bundle import client_bundle

    with control_plane() as made:
        made.apply_istio_crds()
        made.kubectl("apply", "-f", str(worked.FOLDER / "namespaces.yaml"))
        made.kubectl("apply", "-f", str(worked.FOLDER))
        data = {key: value.decode() for key, value in client_bundle(datetime.now(UTC)).items()}
        meta = {"name": "external-system-mtls-data", "namespace": "devel"}
        made.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
        yield made


def check(kubeconfig: Path, *arguments: str) -> Result:
    """The result of the command, called through its group: a command keeps the help option of its first caller."""
    return CliRunner().invoke(group, ["check", "--live", "--kubeconfig", str(kubeconfig), *arguments])


def may_list(cluster: ControlPlane, kubeconfig: Path) -> bool:
    """Whether the API server has taken the right up."""
    return not cluster.kubectl("get", "deployments", "-n", "devel", check=False, kubeconfig=kubeconfig).returncode


def test_a_cluster_with_the_worked_example_has_no_finding(cluster: ControlPlane) -> None:
    result = check(cluster.kubeconfig)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("nothing found; ")
    assert "1 DestinationRule looked at" in result.stdout


def test_a_file_is_judged_as_if_it_were_applied(cluster: ControlPlane) -> None:
    result = check(cluster.kubeconfig, str(BROKEN / "mount-path.yaml"))
    assert result.exit_code == 1
    assert "[file-not-mounted]" in result.stdout
    assert "mount-path.yaml:" in result.stdout


def test_json_output_is_limited_to_the_input(cluster: ControlPlane) -> None:
    found = json.loads(check(cluster.kubeconfig, str(BROKEN / "mount-path.yaml"), "-o", "json").stdout)
    assert [(one["object"]["kind"], one["verdict"]) for one in found["verdicts"]] == [("Deployment", "deny")]


def test_a_cluster_behind_a_proxy_is_read_through_it(
    cluster: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with tunnel() as proxy:
        content = json.loads(cluster.kubeconfig.read_text())
        content["clusters"][0]["cluster"]["proxy-url"] = proxy.url
        (tmp_path / "kubeconfig").write_text(json.dumps(content))
        result = check(tmp_path / "kubeconfig")
    assert (result.exit_code, result.stderr) == (0, "")
    assert set(proxy.asked) == {cluster.url.removeprefix("https://")}


def test_rights_in_one_namespace_report_what_was_not_read(cluster: ControlPlane) -> None:
    limited: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "dev", "namespace": "devel"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "dev", "namespace": "devel"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "dev", "namespace": "devel"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dev"},
            "subjects": [{"kind": "ServiceAccount", "name": "dev", "namespace": "devel"}],
        },
    ]
    cluster.apply(*limited)
    developer = cluster.account_kubeconfig("devel", "dev")
    until(lambda: may_list(cluster, developer), "the right is in force", 60)
    result = check(developer)
    assert result.exit_code == 0
    assert "not read: deployments.apps of other namespaces than devel" in result.stderr
    assert "not read: destinationrules.networking.istio.io" in result.stderr
    assert result.stdout.startswith("nothing found in what was read, which is not all; ")
    assert "and 0 DestinationRules looked at" in result.stdout


def test_a_cluster_that_does_not_answer_ends_with_2(cluster: ControlPlane, tmp_path: Path) -> None:
    text = cluster.kubeconfig.read_text(encoding="utf-8").replace(f":{cluster.port}", ":1")
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(text, encoding="utf-8")
    result = check(nowhere)
    assert result.exit_code == 2
    assert "the cluster cannot be read" in result.stderr
