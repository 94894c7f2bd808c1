"""The life of a release, its replicas running as Pods: upgrade, rollback, each mode of the serving certificate.

cert-manager is played: its CRDs are real, what it would write is written here. There is no CA injector.
"""

import http.client
import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from certs.encode import cert_der, cert_pem, key_pem
from certs.issue import CA, SERVER, Dates, Issued, Profile, make_ca, make_leaf
from rig.control_plane import ControlPlane, control_plane
from rig.installation import NAME, NAMESPACE, Installation, installed
from rig.pod import Pod
from rig.waiting import until
from tests.live.mesh_objects import namespace, partner, rule, secret, workload
from tests.live.replicas import DENIED, HOST, submitting
from tests.live.replicas import Installation as Behind
from tests.live.test_installation import asking
from tests.live.test_leading import OPTS_IN, pod
from webhook.cli import group
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import ClusterError
from webhook.kubeapi.resource import PODS
from webhook.leader.ca_bundle_plan import blocks_of

pytestmark = pytest.mark.slow

QUICK = {"drainSeconds": 1, "lingerSeconds": 1}
DRAINED = {"drainSeconds": 5, "lingerSeconds": 5}
WEBHOOK_PORT = 10250


@pytest.fixture(scope="module")
def release() -> Iterator[Installation]:
    """The chart as shipped, but for a short drain; the tests change it one after the other."""
    with control_plane() as cluster:
        cluster.apply_istio_crds()
        cluster.apply_operator_crds()
        with installed(cluster, QUICK) as found:
            yield found


@dataclass
class Issuer:
    """A CA of somebody else, and what it has written into a Secret. version: of the Secret, after the last write."""

    plane: ControlPlane
    name: str
    ca: Issued = field(default_factory=lambda: make_ca(Dates.around(datetime.now(UTC)), CA))
    leaf: bytes = b""
    version: str = ""

    @property
    def bundle(self) -> bytes:
        """What verifies it."""
        return cert_pem(self.ca)

    def issue(self) -> None:
        """Writes a new certificate for our Service."""
        leaf = make_leaf(self.ca, Dates.around(datetime.now(UTC)), Profile(HOST, usages=(SERVER,), hosts=(HOST,)))
        pair = {"tls.crt": cert_pem(leaf), "tls.key": key_pem(leaf), "ca.crt": self.bundle}
        made: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.name}}
        made["data"] = {name: b64encode(value).decode() for name, value in pair.items()}
        forced = ("apply", "--server-side", "--force-conflicts", "-n", NAMESPACE, "-f", "-")
        self.plane.kubectl(*forced, stdin=json.dumps(made))
        self.leaf, self.version = cert_der(leaf), self.written()

    def written(self) -> str:
        """The version of the Secret now."""
        return str(self.plane.get("secret", self.name, "-n", NAMESPACE)["metadata"]["resourceVersion"])


def shown(pod: Pod, bundle: bytes) -> bytes:
    """The certificate that a replica shows in a new handshake; b'' while that fails."""
    try:
        with secured(pod, bundle) as stream:
            return stream.getpeercert(binary_form=True) or b""
    except OSError:
        return b""


def secured(pod: Pod, bundle: bytes) -> ssl.SSLSocket:
    """A connection to a replica, verified as the API server does it."""
    return ssl.create_default_context(cadata=bundle.decode()).wrap_socket(
        pod.connect(WEBHOOK_PORT), server_hostname=HOST
    )


@contextmanager
def kept(pod: Pod, bundle: bytes) -> Iterator[None]:
    """While a connection to a replica stays open, and is answered at the end as at the beginning."""
    connection = http.client.HTTPConnection(HOST)
    with secured(pod, bundle) as connection.sock:
        first = connection.sock
        for last in (False, True):
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"ok\n")
            assert connection.sock is first
            if not last:
                yield


def replicas(release: Installation) -> list[Pod]:
    """The Pods, once there are no others."""
    return until(lambda: pods if len(pods := release.pods()) == 2 else None, "two Pods, and none of before", 120)


def takes_up_what_is_renewed(release: Installation, issuer: Issuer) -> None:
    """A renewed certificate is in the next handshake of each replica; no connection, review or Pod is lost for it."""
    pods, submit = replicas(release), submitting(release.cluster)
    until(lambda: {shown(pod, issuer.bundle) for pod in pods} == {issuer.leaf}, "both serve it")
    with ExitStack() as stack:
        for pod in pods:
            stack.enter_context(kept(pod, issuer.bundle))
        issuer.issue()
        until(
            lambda: DENIED in submit() and {shown(pod, issuer.bundle) for pod in pods} == {issuer.leaf},
            "both serve the new one",
        )
    assert (replicas(release), [pod.restarts for pod in pods]) == (pods, [0, 0])
    assert issuer.written() == issuer.version


def test_upgrade_and_rollback_keep_ca_and_enforcement(release: Installation) -> None:
    behind, submit = Behind(release.cluster), submitting(release.cluster)
    before, pods = (behind.bundles(), behind.secret()), replicas(release)
    for change in (("upgrade",), ("rollback",)):
        release.helm(*change, **QUICK, podAnnotations={"example.com/changed": "yes"})
        release.wait()
        assert DENIED in submit()
        assert (behind.bundles(), behind.secret()) == before
        assert not set(pods) & set(pods := replicas(release))


def test_certificate_of_cert_manager_is_never_written(release: Installation) -> None:
    plane = release.cluster
    release.helm("upgrade", **QUICK, certificate={"mode": "certManager"})
    wanted = plane.get("certificate", f"{NAME}-serving", "-n", NAMESPACE)["spec"]
    assert wanted["dnsNames"] == [HOST]
    issuer = Issuer(plane, wanted["secretName"])
    issuer.issue()
    release.wait()
    takes_up_what_is_renewed(release, issuer)
    assert are_trusted(release, issuer.bundle)
    renewed = Issuer(plane, wanted["secretName"])
    renewed.issue()
    until(lambda: served(release, renewed) == {renewed.leaf}, "both serve what another CA of its has signed", 120)
    assert DENIED in submitting(plane)()
    assert are_trusted(release, renewed.bundle)


def test_existing_certificate_is_never_written(release: Installation) -> None:
    issuer = Issuer(release.cluster, "company")
    issuer.issue()
    existing = {"secretName": issuer.name, "caBundle": issuer.bundle.decode()}
    release.helm("upgrade", **QUICK, certificate={"mode": "existing", "existing": existing})
    release.wait()
    takes_up_what_is_renewed(release, issuer)
    assert are_trusted(release, issuer.bundle)


def are_trusted(release: Installation, authorities: bytes) -> bool:
    """Whether every entry holds these CAs."""
    return all(set(blocks_of(authorities)) <= set(blocks_of(bundle)) for bundle in Behind(release.cluster).bundles())


def served(release: Installation, issuer: Issuer) -> set[bytes]:
    """The certificates that the replicas show to a client of that CA."""
    return {shown(pod, issuer.bundle) for pod in replicas(release)}


REVIEWS_A_SECOND = 12
"""A CA that is not trusted yet would be noticed for seconds; a rollout under 50 a second is `test_installation`'s."""
CHANGES = ("selfManaged", "existing", "certManager", "selfManaged")
"""The other three happen above, without load; all six in any order, with real handshakes, in `test_mode_changes`."""


def test_no_review_is_lost_while_certificate_mode_changes(release: Installation) -> None:
    """Each mode is left and entered under load, also of Pods that opt in; every entry trusts both CAs for a while."""
    plane, outcomes = release.cluster, {}
    issuers = {"certManager": Issuer(plane, f"{NAME}-cert-manager"), "existing": Issuer(plane, "own")}
    for issuer in issuers.values():
        issuer.issue()
    own = {"secretName": "own", "caBundle": issuers["existing"].bundle.decode()}
    values = {mode: {"mode": mode, **({"existing": own} if mode == "existing" else {})} for mode in set(CHANGES)}
    release.helm("upgrade", **DRAINED, certificate=values["selfManaged"])
    release.wait()
    for before, after in pairwise(CHANGES):
        old = b"".join(Behind(plane).bundles())
        with asking(release, REVIEWS_A_SECOND) as answers, creating(release) as pods:
            release.helm("upgrade", **DRAINED, certificate=values[after])
            release.wait()
            assert len(answers) > 50
        lost = [answer for answer in answers if DENIED not in answer] + [answer for answer in pods if answer]
        outcomes[f"{before} to {after}"] = lost
        print(f"{before} to {after}: {len(answers)} and {len(pods)} reviews, {len(lost)} lost")  # noqa: T201  # a figure
        assert are_trusted(release, old)
    assert outcomes == {f"{before} to {after}": [] for before, after in pairwise(CHANGES)}


@contextmanager
def creating(release: Installation) -> Iterator[list[str]]:
    """A client that creates Pods that opt in, as dry runs; what it is told of calls that failed, else ''."""
    answers: list[str] = []
    ended = threading.Event()
    api = ApiClient(from_kubeconfig(release.cluster.kubeconfig))

    def create() -> None:
        while not ended.wait(0.2):
            try:
                api.create(PODS, pod("default", OPTS_IN), {"dryRun": "All"})
                answers.append("")
            except ClusterError as error:
                answers.append(str(error) if "failed calling webhook" in str(error) else "")

    thread = threading.Thread(target=create)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join(60)


def test_namespaces_with_unreadable_secrets_are_warned(release: Installation, tmp_path: Path) -> None:
    """Doctor, too, knows that this is as values say."""
    plane = release.cluster
    for team in ("devel", "shop"):
        plane.apply(namespace(team), partner("one", team), rule("one", "/etc/one", team), secret("one", team))
    release.helm("upgrade", **QUICK, rbac={"secretNamespaces": ["devel"]})
    release.wait()
    file = tmp_path / "app.json"

    def told(team: str, mounted: str) -> str:
        file.write_text(json.dumps(workload("app", "/etc/one", mounted, team)), encoding="utf-8")
        ran = plane.kubectl("create", "--dry-run=server", "-f", str(file), check=False)
        return ran.stderr + ran.stdout

    until(lambda: "[secret-missing]" in told("devel", "nowhere"), "a Secret that is missing is refused in devel")
    until(lambda: told("devel", "one") == "deployment.apps/app created (server dry run)\n", "a good one passes")
    until(
        lambda: "Warning" in told("shop", "one") and "[object-unread]" in told("shop", "one"),
        "it is said that a Secret of shop cannot be read",
    )
    assert told("shop", "nowhere").endswith("deployment.apps/app created (server dry run)\n")
    said = CliRunner().invoke(group, ["doctor", "--kubeconfig", str(plane.kubeconfig)]).output
    assert "ok  rights: it may do what it needs; Secrets may be read in devel only" in said
    plane.kubectl("delete", "rolebinding", f"{NAME}-secrets", "-n", "devel")
    said = CliRunner().invoke(group, ["doctor", "--kubeconfig", str(plane.kubeconfig)]).output
    assert "NO  rights: it may not get secrets" in said
