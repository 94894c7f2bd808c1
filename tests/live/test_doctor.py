"""`doctor` on a real installation, healthy and with one thing after another broken: what it says to type mends it."""

import base64
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner

from certs.encode import cert_pem
from certs.issue import Dates, make_ca
from rig.control_plane import ControlPlane
from rig.helm import helm
from rig.inside import run_inside
from rig.installation import NAME, NAMESPACE, Installation
from rig.line import Line
from rig.ports import free_port
from rig.waiting import until
from tests.live.test_live_view import CERTIFICATE_CRD, certificate_crd, injector
from webhook.cli import group
from webhook.cli.doctor import lines
from webhook.doctor import DoctorContext
from webhook.doctor.clocks import check_clocks
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig

pytestmark = pytest.mark.slow

WEBHOOK_PORT = 10250
PATIENCE_SECONDS = 180
ASK_SECONDS = 1.0
"""Between two questions: each looks at everything."""


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
        return until(lambda: self._under(f"NO  {wrong}"), f"doctor says: {wrong}", PATIENCE_SECONDS, every=ASK_SECONDS)

    def _under(self, beginning: str) -> str:
        code, said = self.examined()
        lines = said.splitlines()
        found = [below for line, below in pairwise(lines) if line.startswith(beginning)]
        assert not found or code == 1
        return found[0].strip() if found else ""

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
        until(found.is_healthy, "doctor has nothing to say", PATIENCE_SECONDS, every=ASK_SECONDS)
        yield found
        until(found.is_healthy, "it is mended", PATIENCE_SECONDS, every=ASK_SECONDS)


def test_healthy_installation_passes_every_check(patient: Patient) -> None:
    code, said = patient.examined()
    assert code == 0
    assert [re.sub(rf"{NAME}-\w+-\w+", "POD", line).partition(": ")[0] for line in said.splitlines()] == [
        "ok  replicas",
        *["ok  replica POD", "ok  watches of POD"] * 2,
        "ok  Istio",
        "ok  service",
        "ok  rights",
        "ok  clocks",
        "ok  leader",
        f"ok  entries {NAME}",
        f"ok  entries {NAME}-enforcing",
        f"ok  entries before-istio-{NAME}",
        f"ok  entries zzz-after-istio-{NAME}",
        "ok  CA bundle",
        "ok  reach",
    ]


def test_replica_examines_itself_with_its_own_rights(patient: Patient) -> None:
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


def test_missing_right_explains_missing_leader_and_silent_watch(
    patient: Patient,
) -> None:
    """Nobody may lead, and nobody may list a kind that has just come. The CA bundles are repaired by any replica."""
    plane = patient.cluster
    leases = [{"op": "replace", "path": "/rules/1/verbs", "value": ["get"]}]
    plane.kubectl("patch", "role", NAME, "-n", NAMESPACE, "--type=json", "-p", json.dumps(leases))
    assert re.fullmatch(r"follows from what is wrong above \(.*rights\): mend that first", patient.remedy('leader: "'))
    role = plane.get("clusterrole", NAME)
    rules = [one for one in role["rules"] if one["apiGroups"] != ["cert-manager.io"]]
    role["rules"] = rules
    plane.kubectl("replace", "-f", "-", stdin=json.dumps(role))
    plane.apply(certificate_crd("v1"))
    code, said = until(lambda: _never_heard(patient), "the new kind is missed", PATIENCE_SECONDS, every=ASK_SECONDS)
    assert code == 1
    assert re.search(r"NO  rights: it may not list certificates, watch certificates, update leases\n", said)
    patient.type(patient.remedy("rights: it may not "))
    until(patient.is_healthy, "it is mended", PATIENCE_SECONDS, every=ASK_SECONDS)
    plane.kubectl("delete", "crd", CERTIFICATE_CRD)


def _never_heard(patient: Patient) -> tuple[int, str] | None:
    code, said = patient.examined()
    wrong = r"NO  watches of \S+: there is no news of certificates.cert-manager.io \(never yet\)"
    return (code, said) if re.search(wrong, said) else None


def test_a_replica_that_hangs_is_replaced(patient: Patient) -> None:
    pod = patient.installation.pods()[1]
    assert pod.child
    pod.child.pause()
    patient.type(patient.remedy(f"replica {pod.name}: GET ").partition("; ")[0])
    until(patient.is_healthy, "another one has taken its place", PATIENCE_SECONDS, every=ASK_SECONDS)
    assert pod.gone.wait(PATIENCE_SECONDS)


LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "other", "namespace": "default"}}
KEPT = "entries and CA bundles are not kept"


@pytest.mark.parametrize(
    ("holder", "age", "told"),
    [
        ("one", timedelta(), "ok  leader: one leads"),
        (
            "one",
            timedelta(minutes=1),
            f'NO  leader: "one" has not renewed its lease since 20..-..-..T..:..:..Z: {KEPT}',
        ),
        ("one", timedelta(minutes=-1), r'NO  leader: the clocks of "one" and the API server are (5|6)\d s apart'),
        ("", timedelta(), f"NO  leader: nobody leads: {KEPT}"),
    ],
)
def test_whether_somebody_leads_is_told_by_the_api_servers_clock(
    installation: Installation, holder: str, age: timedelta, told: str
) -> None:
    """Also by somebody whose own clock is an hour off; which is said, too."""
    stamp = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    installation.cluster.apply({**LEASE, "spec": {"holderIdentity": holder, "renewTime": stamp}})
    clocks, leader = said_of_clocks(installation, timedelta(hours=1))
    assert re.fullmatch(r"NO  clocks: the clocks of the API server and this machine are 3(59|60)\d s apart", clocks[0])
    assert clocks[1].startswith("      set both by NTP (timedatectl set-ntp true)")
    assert re.fullmatch(told, leader[0])
    if KEPT in told:
        assert ": kubectl -n default rollout restart deployment/other; kubectl -n default logs " in leader[1]


def test_where_nobody_has_ever_led_it_is_said(installation: Installation) -> None:
    installation.cluster.kubectl("delete", "lease", "other", "-n", "default", "--ignore-not-found")
    clocks, leader = said_of_clocks(installation, timedelta())
    assert clocks == ["ok  clocks: those of the API server and this machine are together"]
    assert leader[0] == f"NO  leader: nobody has ever led: {KEPT}"


def said_of_clocks(installation: Installation, ahead: timedelta) -> list[list[str]]:
    """The lines of doctor on a machine whose clock is that much ahead, for an installation `default/other`."""
    api = ApiClient(from_kubeconfig(installation.cluster.kubeconfig))
    found = check_clocks(api, DoctorContext("default", "other"), lambda: datetime.now(UTC) + ahead)
    return [list(lines(one)) for one in found]


@pytest.fixture
def leaderless(patient: Patient) -> Iterator[Patient]:
    """Nobody may lead, so that nobody repairs what is kept; afterwards somebody does."""
    grant(patient.cluster, "get")
    patient.remedy('leader: "')
    yield patient
    grant(patient.cluster, "get", "update")


def grant(plane: ControlPlane, *verbs: str) -> None:
    """What the replicas may do with the Lease."""
    leases = [{"op": "replace", "path": "/rules/1/verbs", "value": verbs}]
    plane.kubectl("patch", "role", NAME, "-n", NAMESPACE, "--type=json", "-p", json.dumps(leases))


ENFORCING, INJECTING = f"{NAME}-enforcing", f"before-istio-{NAME}"
VALIDATING_KIND, MUTATING_KIND = "validatingwebhookconfiguration", "mutatingwebhookconfiguration"
OTHER_CA = base64.b64encode(cert_pem(make_ca(Dates.around(datetime.now(UTC))))).decode()
OPERATIONS = 'rules[0].operations is ["DELETE"], expected ["CREATE","UPDATE"]'
SELECTOR = (
    'namespaceSelector.matchExpressions is null, expected [{"key":"kubernetes.io/metadata.name","operator":"NotIn",'
)
PASSES = "let everything pass while nobody answers: Ignore, until the probe is denied"
PATH = 'clientConfig.service.path is "/validate", expected "/mutate"'
EDITS: Sequence[tuple[str, str, object, str]] = (
    (ENFORCING, "0/rules/0/operations", ["DELETE"], f"NO  entries {ENFORCING}: workloads.mtls-guard.io {OPERATIONS}"),
    (
        ENFORCING,
        "1/timeoutSeconds",
        29,
        f"NO  entries {ENFORCING}: namespaces.mtls-guard.io timeoutSeconds is 29, expected 3",
    ),
    (ENFORCING, "1/failurePolicy", "Ignore", f"??  entries {ENFORCING}: namespaces.mtls-guard.io {PASSES}"),
    (
        ENFORCING,
        "2/clientConfig/caBundle",
        OTHER_CA,
        "NO  CA bundle: destinationrules.mtls-guard.io holds another one than the leader wrote",
    ),
    (
        INJECTING,
        "0/reinvocationPolicy",
        "Never",
        f'NO  entries {INJECTING}: inject.mtls-guard.io reinvocationPolicy is "Never", expected "IfNeeded"',
    ),
    (
        INJECTING,
        "1/clientConfig/service/path",
        "/validate",
        f"NO  entries {INJECTING}: inject-namespaces.mtls-guard.io {PATH}",
    ),
    (NAME, "0/sideEffects", "NoneOnDryRun", f"NO  entries {NAME}: reach.mtls-guard.io sideEffects is "),
    (
        NAME,
        "1/failurePolicy",
        "Fail",
        f'NO  entries {NAME}: shadows.mtls-guard.io failurePolicy is "Fail", expected "Ignore"',
    ),
    (NAME, "2/namespaceSelector", {}, f"NO  entries {NAME}: istio.mtls-guard.io {SELECTOR}"),
    (
        NAME,
        "2/matchConditions/0/expression",
        "true",
        f"NO  entries {NAME}: istio.mtls-guard.io matchConditions[0].expression is ",
    ),
)


def test_every_edit_of_an_entry_is_told_with_what_it_should_be(leaderless: Patient) -> None:
    """Also where everything is asked, and denied, as before."""
    for name, path, value, told in EDITS:
        kind = MUTATING_KIND if name == INJECTING else VALIDATING_KIND
        before = leaderless.cluster.get(kind, name)["webhooks"]
        edit(leaderless.cluster, kind, name, path, value)
        code, said = leaderless.examined()
        assert code == 1
        assert [line for line in said.splitlines() if line.startswith(told)], said
        for step in path.split("/"):
            before = before[int(step) if step.isdecimal() else step]
        edit(leaderless.cluster, kind, name, path, before)


def edit(plane: ControlPlane, kind: str, name: str, path: str, value: object) -> None:
    """As a person with `kubectl edit`."""
    patch = json.dumps([{"op": "replace", "path": f"/webhooks/{path}", "value": value}])
    plane.kubectl("patch", kind, name, "--type=json", "-p", patch)


def test_edited_objects_of_helm_are_restored_by_the_fix(patient: Patient) -> None:
    edit(patient.cluster, VALIDATING_KIND, NAME, "0/rules/0/operations", ["DELETE"])
    remedy = patient.remedy(f"entries {NAME}: reach.mtls-guard.io {OPERATIONS}")
    for _ in range(2):
        patient.type(remedy)


def test_missing_mutating_configuration_is_reported(leaderless: Patient) -> None:
    leaderless.cluster.kubectl("delete", MUTATING_KIND, INJECTING)
    missing = "the webhook configuration is missing: Pods that ask for their files start without them"
    remedy = leaderless.remedy(f"entries {INJECTING}: {missing}")
    assert re.fullmatch(r"the leader repairs it as soon as what is wrong above \(.*leader.*\) is mended", remedy)


def test_orphaned_configuration_is_deleted_by_the_fix(patient: Patient) -> None:
    """As `kubectl delete namespace` leaves it where no replica could remove it any more."""
    service = {"namespace": "gone", "name": "mtls-guard"}
    entry = {
        "name": "workloads.mtls-guard.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "clientConfig": {"service": service},
        "rules": [{"apiGroups": ["none.example"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["none"]}],
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    patient.cluster.apply({**kind, "metadata": {"name": "left"}, "webhooks": [entry]})
    named = f"{VALIDATING_KIND}/left"
    told = f"Service gone/mtls-guard does not exist, and {named} ask it: everything that they match is refused"
    remedy = patient.remedy(f"orphaned: {told}")
    assert remedy == f"kubectl delete {named} --ignore-not-found"
    for _ in range(2):
        patient.type(remedy)


def test_missing_istio_kinds_are_named(patient: Patient) -> None:
    crds = [f"crd/{name}.networking.istio.io" for name in ("destinationrules", "serviceentries")]
    patient.cluster.kubectl("delete", *crds)
    names = "destinationrules.networking.istio.io, serviceentries.networking.istio.io"
    try:
        remedy = patient.remedy(f"Istio: CustomResourceDefinitions are missing: {names}; ")
        assert remedy.startswith("install Istio, or its CRDs alone: helm upgrade --install istio-base base --repo ")
        assert not re.search("NetworkPolicy|firewall", patient.examined()[1])
    finally:
        patient.cluster.apply_istio_crds()


def test_a_service_that_is_gone_comes_back(patient: Patient) -> None:
    patient.cluster.kubectl("delete", "service", NAME, "-n", NAMESPACE)
    told = f"service: there is no Service {NAMESPACE}/{NAME}: no review reaches a replica"
    remedy = patient.remedy(told)
    for _ in range(2):
        patient.type(remedy)


def test_unnamed_istio_revision_is_reported_but_no_tag(patient: Patient) -> None:
    """A tag has no ConfigMaps: nobody may read those that it would have. Without the revision all is well again."""
    tag, canary = injector("prod"), injector("canary")
    tag["metadata"]["labels"] = {"istio.io/rev": "default", "istio.io/tag": "prod"}
    canary["metadata"]["labels"] = {"istio.io/rev": "canary"}
    patient.cluster.apply(tag)
    patient.cluster.apply(canary)
    try:
        remedy = until(
            lambda: unread(patient), "the ConfigMaps of the revision are missed", PATIENCE_SECONDS, every=ASK_SECONDS
        )
        assert remedy.startswith("add canary to istio.revisions in your values; helm upgrade ")
        assert "istio-prod" not in patient.examined()[1]
    finally:
        names = [each["metadata"]["name"] for each in (tag, canary)]
        patient.cluster.kubectl("delete", "mutatingwebhookconfiguration", *names)  # the fixture waits until all is well


def unread(patient: Patient) -> str:
    """What to type for ConfigMaps of which there was never any news."""
    lines = patient.examined()[1].splitlines()
    wrong = r"NO  watches of \S+: there is no news of configmaps istio-system/istio-canary \(never yet\), "
    return next((below.strip() for line, below in pairwise(lines) if re.match(wrong, line)), "")


def test_a_handshake_with_nobody_is_said(patient: Patient) -> None:
    """One line for all entries that hold the same bundle."""
    code, said = patient.examined("--connect", f"127.0.0.1:{free_port()}")
    assert code == 1
    expected = (
        "NO  CA bundle: the handshake with what is served failed for reach.mtls-guard.io, shadows.mtls-guard.io, "
        "istio.mtls-guard.io, secrets.mtls-guard.io and 10 more: ConnectionRefusedError: [Errno 111] Connection refused"
    )
    assert [line for line in said.splitlines() if "CA bundle" in line] == [expected]


def test_where_nothing_is_installed_it_says_how_to_install_it(patient: Patient) -> None:
    code, said = patient.examined("-n", "default")
    assert code == 1
    assert said.splitlines()[0] == "NO  installed: there is no Deployment default/mtls-guard"
    assert f"helm upgrade --install {NAME} charts/mtls-guard -n default --create-namespace" in said
    assert NAMESPACE != "default"
