"""`mtls-guard review`: a stored AdmissionReview is answered as the server would, with exit codes for scripts."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from examples import material
from examples.demo import WORKED
from webhook.cli import group

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Secrets of the worked example and of the broken variants."""
    file = tmp_path_factory.mktemp("cluster") / "secrets.json"
    material.write_secrets(file, material.secrets(AT))
    return file


def review(name: str, secrets: Path, *flags: str) -> Result:
    """What the command says about a recorded request."""
    cluster = ["--cluster", str(WORKED), "--cluster", str(secrets)]
    return CliRunner().invoke(group, ["review", str(GOLDEN / f"{name}.request.json"), *cluster, *flags])


def test_the_answer_is_the_one_that_the_server_gives(secrets: Path) -> None:
    ended = review("create-expired", secrets, "--at", AT.isoformat())
    recorded = json.loads((GOLDEN / "create-expired.response.json").read_text())
    assert (ended.exit_code, json.loads(ended.stdout)) == (1, recorded)


def test_as_text_it_is_what_kubectl_prints(secrets: Path) -> None:
    ended = review("create-works", secrets, "--at", "2026-11-24T12:00:00Z", "-o", "text")
    assert (ended.exit_code, ended.stdout) == (0, "deployment.apps/sample-app created\n")


def test_the_instant_decides_what_has_expired(secrets: Path) -> None:
    codes = [review("create-works", secrets, "--at", at).exit_code for at in ("2026-12-01", "2028-01-01")]
    assert codes == [0, 1]


def test_what_cannot_be_read_is_said_and_ends_with_2(secrets: Path, tmp_path: Path) -> None:
    good = str(GOLDEN / "create-works.request.json")
    half = tmp_path / "half.json"
    half.write_text("{")
    policy = str(tmp_path / "none.yaml")
    ends = [
        CliRunner().invoke(group, ["review", *arguments])
        for arguments in (
            [str(half), "--cluster", str(secrets)],
            [str(tmp_path / "none.json"), "--cluster", str(secrets)],
            [good, "--cluster", str(tmp_path / "none")],
            [good, "--cluster", str(secrets), "--policy", policy],
        )
    ]
    assert [(end.exit_code, end.stderr.splitlines()) for end in ends] == [
        (2, [f"mtls-guard review: {half}: the body is not JSON: unexpected end of data at line 1, column 2"]),
        (2, [f"mtls-guard review: {tmp_path / 'none.json'}: cannot be read: No such file or directory"]),
        (2, [f"mtls-guard review: {tmp_path / 'none'}: cannot be read: No such file or directory"]),
        (2, [f"mtls-guard review: {policy}: cannot be read: No such file or directory"]),
    ]


def test_a_wrong_instant_is_refused_with_an_example(secrets: Path) -> None:
    ended = review("create-works", secrets, "--at", "tomorrow")
    assert (ended.exit_code, "write 2027-03-01 or 2027-03-01T12:00:00Z" in " ".join(ended.stderr.split())) == (2, True)


def test_stdin_is_a_file_too(secrets: Path) -> None:
    body = (GOLDEN / "create-works.request.json").read_bytes()
    words = ["review", "-", "--cluster", str(WORKED), "--cluster", str(secrets), "--at", AT.isoformat()]
    ended = CliRunner().invoke(group, words, input=body)
    assert json.loads(ended.stdout)["response"]["allowed"] is True
