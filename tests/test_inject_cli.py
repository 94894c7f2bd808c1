"""`mtls-guard inject`: what it prints, what it writes, and what it leaves alone."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from webhook.cli import group

WORKED = Path(__file__).parent.parent / "examples" / "worked"
MANIFEST = """\
# our app
apiVersion: apps/v1
kind: Deployment
metadata:
  name: sample-app   # the name
  namespace: devel
spec:
  template:
    metadata:
      labels: {app: sample-app}
      annotations:
        # ask for it
        mtls-guard.io/client-secret: "external-system-mtls-data"
        sidecar.istio.io/inject: 'true'
    spec:
      containers:
        - name: sample-app # main
          image: "your-application-image:latest"
---
# as it   was
apiVersion: v1
kind:   ConfigMap
metadata: {name:  x, namespace: devel}
"""
ADDED = """\
        sidecar.istio.io/userVolumeMount: '[{"name":"mtls-guard-external-system-mtls-data-dbafadf7","mountPath":"/etc/mtlsfiles","readOnly":true}]'
        sidecar.istio.io/userVolume: '[{"name":"mtls-guard-external-system-mtls-data-dbafadf7","secret":{"secretName":"external-system-mtls-data"}}]'
"""  # noqa: E501
AFTER = MANIFEST.replace(
    "        sidecar.istio.io/inject: 'true'\n", f"        sidecar.istio.io/inject: 'true'\n{ADDED}"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a workload that opts in, and something else."""
    path = tmp_path / "app.yaml"
    path.write_text(MANIFEST)
    return path


def run(*arguments: str, text: str = "") -> Result:
    """The command's result, with the worked example's rules in view."""
    rules = str(WORKED / "istio.yaml")
    return CliRunner().invoke(group, ["inject", *arguments, "--cluster", rules], input=text)


def test_output_keeps_comments_and_adds_annotations(file: Path) -> None:
    result = run(str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, AFTER, "")
    assert file.read_text() == MANIFEST


def test_standard_input_is_taken_too() -> None:
    assert run("-", text=MANIFEST).stdout == AFTER


def test_the_difference_alone_is_printed_on_demand(file: Path) -> None:
    changed = [line for line in run(str(file), "--diff").stdout.splitlines() if line[:1] in "+-" and line[:3] != "---"]
    assert changed[1:] == [f"+{line}" for line in ADDED.splitlines()]


def test_the_file_is_changed_on_demand_and_a_second_time_not(file: Path) -> None:
    assert run(str(file), "--write").exit_code == 0
    assert file.read_text() == AFTER
    assert run(str(file), "--diff").stdout == ""


def test_what_was_written_follows_the_opt_in_and_goes_with_it(file: Path) -> None:
    """Another Secret replaces it; without the opt-in, the file is as it was."""
    assert run(str(file), "--write").exit_code == 0
    file.write_text(file.read_text().replace('client-secret: "external-system-mtls-data"', "client-secret: other"))
    assert run(str(file), "--write").exit_code == 0
    assert '"secret":{"secretName":"other"}' in file.read_text()
    assert "external-system-mtls-data" not in file.read_text()
    file.write_text(file.read_text().replace("client-secret: other", 'inject: "false"'))
    assert run(str(file), "--write").exit_code == 0
    assert file.read_text() == MANIFEST.replace('client-secret: "external-system-mtls-data"', 'inject: "false"')


def test_a_json_list_keeps_its_form(tmp_path: Path) -> None:
    path = tmp_path / "app.json"
    text = (
        '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web",'
        '"namespace":"devel","annotations":{"mtls-guard.io/client-secret":"external-system-mtls-data",'
        '"sidecar.istio.io/inject":"true"}}}]}'
    )
    path.write_text(text)
    assert run(str(path), "--write").exit_code == 0
    assert path.read_text().count("/etc/mtlsfiles") == 1
    assert "\n" not in path.read_text()


def test_what_cannot_be_added_is_told_with_its_place(file: Path) -> None:
    file.write_text(MANIFEST.replace("external-system-mtls-data", "a, b"))
    result = run(str(file))
    assert (result.exit_code, result.stdout) == (1, file.read_text())
    assert f"{file}:2: Deployment devel/sample-app: left alone: several Secrets are named" in result.stderr


def test_without_a_rule_in_view_it_says_where_to_look(file: Path) -> None:
    result = CliRunner().invoke(group, ["inject", str(file)])
    assert result.exit_code == 1
    assert "no DestinationRule in view reads files for it; name its folder by --cluster" in result.stderr


def test_what_cannot_be_read_is_told_and_the_rest_is_done(file: Path) -> None:
    result = run(str(file), str(file.parent / "gone.yaml"))
    assert (result.exit_code, result.stdout) == (2, AFTER)
    assert "gone.yaml" in result.stderr


ODD = {
    "an anchor with its alias, and one without": MANIFEST.replace(
        "  namespace: devel\n", "  namespace: devel\n  labels: &labels {app: sample-app}\n", 1
    ).replace("labels: {app: sample-app}\n      annotations:", "labels: *labels\n      annotations: &unused"),
    "an explicit start and end": f"---\n{MANIFEST}...\n",
    "no newline at the end": MANIFEST.rstrip("\n"),
    "Windows line ends": MANIFEST.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_every_other_byte_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "app.yaml"
    path.write_bytes(text.encode())
    assert run(str(path), "--write").exit_code == 0
    added = [line for line in path.read_bytes().decode().split("\n") if "userVolume" in line]
    left = path.read_bytes().decode().replace("".join(f"{line}\n" for line in added), "")
    assert (len(added), left) == (2, text)


def test_the_difference_is_one_that_patch_applies(file: Path) -> None:
    shown = run(str(file), "--diff").stdout
    program = shutil.which("patch")
    if program is None:
        pytest.skip("there is no patch on this machine")
    subprocess.run([program, str(file)], input=shown, text=True, check=True, capture_output=True)
    assert file.read_text() == AFTER


def test_where_nobody_opts_in_nothing_is_changed_or_said(file: Path) -> None:
    file.write_text(MANIFEST.replace("mtls-guard.io/client-secret", "example.com/other"))
    result = run(str(file))
    assert (result.exit_code, result.stdout, result.stderr) == (0, file.read_text(), "")
    assert run(str(file), "--diff").stdout == ""


def test_a_kind_of_the_policy_is_written_at_its_own_path(file: Path, tmp_path: Path) -> None:
    """Wherever its pod template stands."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("workloads: [{apiVersion: acme.example/v1, kind: Game, template: spec.pod}]\n")
    file.write_text(
        "apiVersion: acme.example/v1\nkind: Game\nmetadata: {name: a, namespace: devel}\nspec:\n  pod:\n    metadata:\n"
        "      annotations: {mtls-guard.io/client-secret: external-system-mtls-data}\n"
    )
    result = run(str(file), "--policy", str(policy))
    pod = yaml.safe_load(result.stdout)["spec"]["pod"]
    assert ("sidecar.istio.io/userVolume" in pod["metadata"]["annotations"], result.stderr) == (True, "")
