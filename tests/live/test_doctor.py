"""`doctor` on a real installation, healthy and with one thing after another broken: what it says to type mends it."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

import pytest
from click.testing import CliRunner

from rig.helm import helm
from rig.inside import run_inside
from rig.installation import NAME, NAMESPACE, Installation
from rig.line import Line
from rig.ports import free_port
from rig.waiting import until
from tests.live.test_leading import overwrite
from tests.live.test_live_view import CERTIFICATE_CRD, certificate_crd
from webhook.cli import group

pytestmark = pytest.mark.slow

WEBHOOK_PORT = 10250
PATIENCE_SECONDS = 180


class Patient:
    """An installation, and what doctor says of it."""

    def __init__(self, installation: Installation, connect: int) -> None:
        """connect: the port under which a replica can be reached."""
        self.installation, self.cluster, self.connect = installation, installation.cluster, connect

    def examined(self, *flags: str) -> tuple[int, str]:
        """Exit code and all that doctor says."""
        given = ["--kubeconfig", str(self.cluster.kubeconfig), "--connect", f"127.0.0.1:{self.connect}", *flags]
        result = CliRunner().invoke(group, ["doctor", *given])
        return result.exit_code, result.output

    def is_healthy(self) -> bool:
        """Whether everything is ok, and nothing could not be told."""
        code, said = self.examined()
        return code == 0 and all(line.startswith("ok  ") for line in said.splitlines())

    def remedy(self, wrong: str) -> str:
        """Waits until this is said to be wrong; what stands under it."""
        return until(lambda: self._under(f"NO  {wrong}"), f"doctor says: {wrong}", PATIENCE_SECONDS)

    def _under(self, beginning: str) -> str:
        code, said = self.examined()
        lines = said.splitlines()
        found = [below for line, below in pairwise(lines) if line.startswith(beginning)]
        assert not found or code == 1
        return found[0] if found else ""

    def type(self, remedy: str) -> None:
        """Types the commands that a remedy holds, from the folder of the checkout."""
        commands = [part.strip() for part in re.split(r"; ", remedy) if part.strip().startswith(("kubectl ", "helm "))]
        assert commands, remedy
        for program, *words in map(shlex.split, commands):
            if program == "helm":
                helm(*words, cluster=self.cluster)
            else:
                self.cluster.kubectl(*words)


@pytest.fixture
def patient(installation: Installation) -> Iterator[Patient]:
    """An installation that is healthy, before and after."""
    with Line(lambda: installation.pods()[0].connect(WEBHOOK_PORT)) as line:
        found = Patient(installation, line.port)
        until(found.is_healthy, "doctor has nothing to say", PATIENCE_SECONDS)
        yield found
        until(found.is_healthy, "it is mended", PATIENCE_SECONDS)


def test_of_a_healthy_installation_everything_was_looked_at_and_is_ok(patient: Patient) -> None:
    code, said = patient.examined()
    assert code == 0
    assert [re.sub(rf"{NAME}-\w+-\w+", "POD", line).partition(": ")[0] for line in said.splitlines()] == [
        "ok  replicas",
        *["ok  replica POD", "ok  watches of POD"] * 2,
        f"ok  entries {NAME}",
        f"ok  entries {NAME}-enforcing",
        f"ok  entries before-istio-{NAME}",
        "ok  CA bundle",
        "ok  reach",
        "ok  clocks",
        "ok  leader",
        "ok  rights",
    ]


def test_a_replica_examines_itself_with_no_more_than_its_own_rights(patient: Patient) -> None:
    """As `kubectl exec deployment/mtls-guard -- mtls-guard doctor`."""
    ran = run_inside(patient.installation.pods()[0], "mtls-guard", "doctor")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "NO  " not in ran.stdout
    for one in ("CA bundle: it verifies what is served", "reach: a known-bad", "rights: it may do what it needs"):
        assert f"ok  {one}" in ran.stdout


def test_an_entry_that_is_missing_comes_back(patient: Patient) -> None:
    patient.cluster.kubectl("delete", "validatingwebhookconfiguration", NAME)
    patient.type(patient.remedy(f"entries {NAME}: the webhook configuration is missing"))


def test_an_entry_that_asks_somebody_else_is_made_anew(patient: Patient) -> None:
    elsewhere = [{"op": "replace", "path": "/webhooks/0/clientConfig/service/name", "value": "other"}]
    patch = ("patch", "validatingwebhookconfiguration", NAME, "--type=json", "-p", json.dumps(elsewhere))
    patient.cluster.kubectl(*patch)
    patient.type(patient.remedy(f"entries {NAME}: "))


def test_a_right_that_is_missing_explains_a_wrong_bundle_and_a_watch_without_news(patient: Patient) -> None:
    """The leader may not repair the CA bundle, and nobody may list a kind that has just come."""
    plane = patient.cluster
    role = plane.get("clusterrole", NAME)
    rules = [one for one in role["rules"] if one["apiGroups"] != ["cert-manager.io"]]
    role["rules"] = [{**one, "verbs": [verb for verb in one["verbs"] if verb != "patch"]} for one in rules]
    plane.kubectl("replace", "-f", "-", stdin=json.dumps(role))
    plane.apply(certificate_crd("v1"))
    overwrite(plane, f"{NAME}-enforcing")
    assert "the leader repairs it" in patient.remedy("CA bundle: the handshake with what is served failed: ")
    assert "see the checks above" in patient.remedy("reach: a known-bad DestinationRule in namespace default was not")
    code, said = until(lambda: _never_heard(patient), "the new kind is missed", PATIENCE_SECONDS)
    assert code == 1
    assert re.search(r"NO  rights: it may not .*list certificates", said)
    patient.type(patient.remedy("rights: it may not "))
    until(patient.is_healthy, "it is mended", PATIENCE_SECONDS)
    plane.kubectl("delete", "crd", CERTIFICATE_CRD)


def _never_heard(patient: Patient) -> tuple[int, str] | None:
    code, said = patient.examined()
    wrong = r"NO  watches of \S+: there is no news of certificates.cert-manager.io \(never yet\)"
    return (code, said) if re.search(wrong, said) else None


def test_a_replica_that_hangs_is_replaced(patient: Patient) -> None:
    pod = patient.installation.pods()[1]
    assert pod.child
    pod.child.pause()
    patient.type(patient.remedy(f"replica {pod.name}: ").partition("; ")[0])
    assert pod.gone.wait(PATIENCE_SECONDS)


def test_a_handshake_with_nobody_is_said(patient: Patient) -> None:
    code, said = patient.examined("--connect", f"127.0.0.1:{free_port()}")
    assert code == 1
    assert "NO  CA bundle: the handshake with what is served failed: ConnectionRefusedError" in said


def test_where_nothing_is_installed_it_says_how_to_install_it(patient: Patient) -> None:
    code, said = patient.examined("-n", "default")
    assert code == 1
    assert said.splitlines()[0] == "NO  installed: there is no Deployment default/mtls-guard"
    assert f"helm install {NAME} charts/mtls-guard -n default --create-namespace" in said
    assert NAMESPACE != "default"
