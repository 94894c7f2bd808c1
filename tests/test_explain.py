"""`explain KIND/NAME` for what is no workload, and for what cannot be found."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from examples.demo import WORKED
from webhook.cli import group

DEPLOYMENT = (WORKED / "deployment.yaml").read_text()


def call(*args: str) -> Result:
    """One run within this process."""
    return CliRunner().invoke(group, args)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("deployment", "sample-app"), "Deployment devel/sample-app"),
        (("dr/external-system-dest-rule",), "DestinationRule project/external-system-dest-rule: 1 workload means it"),
        (("Secrets/external-system-mtls-data",), "Secret devel/external-system-mtls-data: 1 workload mounts it"),
        (
            ("serviceentries.networking.istio.io", "external-system-service-entry"),
            "ServiceEntry project/external-system-service-entry: 1 workload means it",
        ),
    ],
)
def test_an_object_of_the_chain_is_explained_by_its_workloads(words: tuple[str, ...], first: str) -> None:
    """Whichever object a person has in mind, the same tree follows."""
    result = call("explain", *words, "--cluster", str(WORKED))
    lines = result.stdout.splitlines()
    assert (lines[0], result.exit_code) == (first, 0)
    assert "Deployment devel/sample-app" in lines
    assert sum("clientCertificate /etc/mtlsfiles/cert" in line for line in lines) == 1


def test_a_rule_that_nobody_means_is_told_with_its_own_faults(tmp_path: Path) -> None:
    """No workload is in the input; what is wrong in the rule is there."""
    rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r, namespace: a}\nspec:\n"
    tls = "  trafficPolicy: {tls: {clientCertificate: /etc/x/cert, privateKey: /etc/x/key}}\n"
    (tmp_path / "rule.yaml").write_text(f"{rule}  host: external.example.com\n{tls}")
    result = call("explain", "dr/r", "--cluster", str(tmp_path))
    assert result.stdout.startswith("DestinationRule a/r: no workload in the input means it\n")
    assert "[tls-mode-missing]" in result.stdout


def test_workloads_beyond_the_first_are_named(tmp_path: Path) -> None:
    """Ten workloads with one Secret: five trees, and what to type for the others."""
    (tmp_path / "app.yaml").write_text(
        "\n---\n".join(DEPLOYMENT.replace("name: sample-app\n", f"name: app-{n}\n") for n in range(10))
    )
    result = call("explain", "secret/external-system-mtls-data", "--cluster", str(tmp_path))
    lines = result.stdout.splitlines()
    assert lines[0] == "Secret devel/external-system-mtls-data: 10 workloads mount it"
    assert sum(line.startswith("Deployment ") for line in lines) == 5
    assert lines[-1].startswith("further workloads, to be explained one by one: deployment/app-5 -n devel, ")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("deployment",), "say which deployment: mtls-guard explain deployment/NAME"),
        (("deploy/",), '"deploy/" names no object; write KIND/NAME, as deployment/sample-app'),
        (("a", "b", "c"), '"a b c" names no object; write KIND/NAME, as deployment/sample-app'),
        (
            ("sample-app",),
            (
                'no such rule: "sample-app"; an object is written KIND/NAME, as deployment/sample-app '
                "(`mtls-guard explain` lists all rules)"
            ),
        ),
    ],
)
def test_what_explain_cannot_find_is_answered_with_what_to_type(words: tuple[str, ...], problem: str) -> None:
    """On standard error, exit code 2."""
    result = call("explain", *words)
    assert (result.stderr, result.stdout, result.exit_code) == (f"{problem}\n", "", 2)
