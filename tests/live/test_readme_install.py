"""What a stranger types: the lines that `make cluster` prints, then those of the README's sections, word by word."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.bundle import client_bundle
from rig.installation import NAME, NAMESPACE
from rig.node import demand_sandbox
from rig.parts import PARTS, have
from rig.waiting import until
from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT

pytestmark = pytest.mark.slow

TOP = Path(__file__).parent.parent.parent
EARLY = (
    "Warning: DestinationRule project/external-system-dest-rule: is in force for no workload yet; apply its workloads "
    "next, or look at its namespace, exportTo, workloadSelector and host [destinationrule-unused]"
)
"""Which the README explains."""
BY_THE_PARTNER = {"client.crt": "cert", "client.key": "key", "ca.crt": "cacert"}


@dataclass(frozen=True, slots=True)
class Stranger:
    """A terminal beside `make cluster`. printed: the lines to type, the first one sets the terminal up."""

    folder: Path
    printed: tuple[str, ...]

    def types(self, command: str) -> subprocess.CompletedProcess[str]:
        """Types a line."""
        lines = f"{self.printed[0]}\n{command}"
        return subprocess.run(
            ["bash", "-c", lines], cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )

    def succeeds(self, command: str) -> str:
        """Types a line that must go well; what it says."""
        ran = self.types(command)
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    """Sees the checkout, and has the three files of the partner; all that `make cluster` started is gone in the end."""
    demand_sandbox()
    for part in PARTS:
        have(part)
    folder = tmp_path_factory.mktemp("stranger")
    for name in ("charts", "examples"):
        (folder / name).symlink_to(TOP / name)
    given = client_bundle(datetime.now(UTC))
    for name, key in BY_THE_PARTNER.items():
        (folder / name).write_bytes(given[key])
    command = [sys.executable, "-m", "rig", "cluster"]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as cluster:
        assert cluster.stdout
        printed = []
        while not (line := cluster.stdout.readline()).startswith("Logs of everything"):
            assert line, "make cluster has ended"
            printed.append(line)
        yield Stranger(folder, tuple(line.strip() for line in printed if line.startswith("  ")))
        cluster.send_signal(signal.SIGINT)
        assert cluster.wait(60) == 0
        assert cluster.stdout.read().strip() == "Gone, with everything that was in it."


def section(title: str) -> list[str]:
    """The commands of a section of the README, as they stand there."""
    text = (TOP / "README.md").read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]


def test_printed_lines_of_make_cluster_work(stranger: Stranger) -> None:
    said = {
        what: stranger.types(command) for command, _, what in (line.partition("#") for line in stranger.printed[1:])
    }
    for what, ran in said.items():
        denied = 'admission webhook "workloads.mtls-guard.io" denied the request' in ran.stderr
        assert (denied, ran.returncode) == ((True, 1) if "denied" in what else (False, 0)), (what, ran)
    assert len(said) == len(stranger.printed) - 1 > 5


def test_the_install_section_of_the_readme_installs_it(stranger: Stranger) -> None:
    """What builds the image is left out: it is this checkout here."""
    stranger.succeeds(f"helm uninstall {NAME} --namespace {NAMESPACE}")
    image, *commands = section("Install it in a cluster")
    assert image.startswith("docker build ")
    *_, tested = [stranger.succeeds(command) for command in commands]
    assert re.findall("Phase: +(.*)", tested) == ["Succeeded"] * 4


def test_from_nothing_to_a_pod_with_its_certificate(stranger: Stranger) -> None:
    stranger.succeeds("kubectl delete -f examples/worked/namespaces.yaml")
    said = "".join(stranger.succeeds(command) for command in section("From nothing to a working mTLS call"))
    warned = [line for line in said.splitlines() if "arning" in line]
    assert [line for line in warned if "https-port-unused" not in line] == [EARLY]  # the route may not be seen yet
    (pod,) = until(lambda: pods(stranger), "a Pod of the workload")
    assert json.loads(pod["metadata"]["annotations"][USER_VOLUME])[0]["secret"]["secretName"] == (
        "external-system-mtls-data"
    )
    assert json.loads(pod["metadata"]["annotations"][USER_VOLUME_MOUNT])[0]["mountPath"] == "/etc/mtlsfiles"


def pods(stranger: Stranger) -> list[dict[str, dict[str, dict[str, str]]]]:
    """Those of the workload."""
    found: list[dict[str, dict[str, dict[str, str]]]] = json.loads(
        stranger.succeeds("kubectl get pods -n devel -l app=sample-app -o json")
    )["items"]
    return found
