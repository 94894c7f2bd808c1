"""The mode of the serving certificate changes while replicas are replaced: nothing is served that is not trusted.

Replicas, leaders and times come in any order; certificates are verified by real handshakes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.encode import cert_pem, key_pem
from certs.issue import CA, SERVER, Dates, Issued, Profile, make_ca, make_leaf
from tests.test_entries import ENTRIES, INSTALLATION, Cluster, entry
from webhook.kubeapi.resource import MUTATING, VALIDATING
from webhook.leader.ca_bundle_plan import blocks_of
from webhook.leader.ca_bundle_sync import CaBundleSync
from webhook.leader.ca_bundles import CaBundleStore, WebhookConfigurationName
from webhook.leader.enforcement import EnforcementReconciler
from webhook.leader.loop import ReplicaTasks
from webhook.leader.serving_certificate import CertificateSpec, SelfManagedCertificate
from webhook.leader.serving_secret import ServingSecret
from webhook.server.mounted_certificate import MountedCertificate, MountedFiles
from webhook.serving.certificate_check import verification_error
from webhook.serving.key_file import PrivateFile

MODES = ("selfManaged", "certManager", "existing")
SPAN = timedelta(minutes=10)
NOW = datetime.now(UTC)
TARGETS = [
    WebhookConfigurationName(VALIDATING, "mtls-guard"),
    WebhookConfigurationName(VALIDATING, INSTALLATION.enforcing),
]
TARGETS.append(WebhookConfigurationName(MUTATING, INSTALLATION.injecting))


@dataclass
class Replica:
    """A replica of one mode, and whether the Service leads to it."""

    mode: str
    work: ReplicaTasks
    ready: bool = False

    @property
    def file(self) -> Path:
        assert self.work.certificate
        return self.work.certificate.path


@dataclass
class Rollout:
    """Replicas that are replaced one after the other, on a cluster in memory."""

    folder: Path
    cluster: Cluster = field(default_factory=lambda: Cluster(entry("workloads")))
    replicas: list[Replica] = field(default_factory=list)
    at: datetime = NOW
    mode: str = ""
    numbers: Iterator[int] = field(default_factory=count)

    def values(self, mode: str) -> None:
        """What `helm upgrade` changes before the Deployment: the CA that values name."""
        self.mode = mode
        self.cluster.objects[ENTRIES]["data"].pop("ca.crt", None)
        if mode == "existing":
            self.cluster.objects[ENTRIES]["data"]["ca.crt"] = cert_pem(self.issuer(mode)).decode()

    def issuer(self, mode: str) -> Issued:
        """The CA of whoever issues in this mode."""
        made = ISSUERS.setdefault(mode, make_ca(Dates.around(NOW), CA))
        self.mount(mode, made) if not (self.folder / mode).exists() else None
        return made

    def mount(self, mode: str, ca: Issued) -> None:
        """Writes the files that each replica of this mode mounts; the CA is in the Secret, or in values."""
        (self.folder / mode).mkdir(exist_ok=True)
        leaf = make_leaf(ca, Dates.around(NOW), Profile("leaf", usages=(SERVER,), hosts=(INSTALLATION.host,)))
        files = {"tls.crt": cert_pem(leaf), "tls.key": key_pem(leaf)}
        files |= {"ca.crt": cert_pem(ca)} if mode == "certManager" else {}
        for name, content in files.items():
            (self.folder / mode / name).write_bytes(content)

    def start(self) -> Replica:
        """A replica of the mode that values say."""
        mode, private = self.mode, PrivateFile(self.folder)
        certificate: SelfManagedCertificate | MountedCertificate
        if mode == "selfManaged":
            secret = ServingSecret(self.cluster, "mtls-guard", "mtls-guard-serving")
            certificate = SelfManagedCertificate(secret, private, CertificateSpec(frozenset({INSTALLATION.host})))
            certificate.look(self.at)
        else:
            self.issuer(mode)
            folder = self.folder / mode
            certificate = MountedCertificate(
                MountedFiles(folder / "tls.crt", folder / "tls.key", folder / "ca.crt"), private
            )
        trust = CaBundleSync(CaBundleStore(self.cluster, TARGETS), INSTALLATION.host, SPAN, lambda: self.others(mode))
        keeping = EnforcementReconciler(self.cluster, INSTALLATION, lambda _why, _fields: None)
        made = Replica(mode, ReplicaTasks(certificate, trust, keeping))
        self.replicas.append(made)
        return made

    def others(self, mode: str) -> bool:
        """Whether Pods of another template are there."""
        return any(replica.mode != mode for replica in self.replicas)

    def round(self, replica: Replica, *, leads: bool, seconds: float = 1) -> None:
        """One round of a replica, after a while; then it is ready, or not yet, and nothing that is ready is refused."""
        self.at += timedelta(seconds=seconds)
        for job in replica.work.jobs(self.at, leads=leads).values():
            job()
            assert self.refused() == []
        replica.ready = replica.ready or not replica.work.waits

    def refused(self) -> list[str]:
        """Ready replicas that the API server would not accept, with the reason."""
        published = CaBundleStore(self.cluster, TARGETS).read(self.at)
        bundles = {bundle for each in published for bundle in each.bundles.values()} - NEW
        ready = [replica for replica in self.replicas if replica.ready]
        problems = {problem(bundle, replica.file) for replica in ready for bundle in bundles}
        return sorted(problems - {""})

    def install(self, mode: str) -> None:
        """Two replicas that are ready, and entries that enforce."""
        self.values(mode)
        self.cluster.answer = ""
        self.cluster.create(VALIDATING, {"metadata": {"name": "mtls-guard"}, "webhooks": [entry("reach", "Ignore")]})
        for _ in range(2):
            self.start()
        for _ in range(12):
            for replica in self.replicas:
                self.round(replica, leads=replica is self.replicas[0])
        assert all(replica.ready for replica in self.replicas)
        assert self.cluster.all_policies() == {"Fail"}

    def replace(self, moves: list[tuple[int, bool, float]]) -> None:
        """Each old replica goes once a new one is ready; moves are made until there are none, then in turn."""
        fresh = self.start()
        pending = iter(moves)
        for turn in range(400):
            number, leads, seconds = next(pending, (turn, turn % 3 == 0, 1.0))
            self.round(self.replicas[number % len(self.replicas)], leads=leads, seconds=seconds)
            if fresh.ready:
                old = next(replica for replica in self.replicas if replica.mode != self.mode)
                self.replicas.remove(old)
                if not self.others(self.mode):
                    return
                fresh = self.start()
        raise AssertionError(f"never ready: {fresh.work.waits}")


CHANGES = [*permutations(MODES, 2)]
ISSUERS: dict[str, Issued] = {}
PROBLEMS: dict[tuple[bytes, bytes], str] = {}
"""What each bundle says of each certificate: asked after every step, most of which change neither."""
NEW = {b""}
"""What an entry holds in the moment in which it is created, as Ignore."""


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), CHANGES)
@settings(max_examples=6, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([0.1, 1, 5, 1000])), max_size=40))
def test_replicas_serve_only_trusted_certificates_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, moves: list[tuple[int, bool, float]]
) -> None:
    changed(tmp_path_factory.mktemp("rollout"), before, after, moves)


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_old_ca_leaves_after_replicas_changed(tmp_path: Path, before: str, after: str) -> None:
    changed(tmp_path, before, after, [])


def problem(bundle: bytes, file: Path) -> str:
    """What the API server would refuse the certificate for, '' for nothing."""
    asked = bundle, file.read_bytes()
    if asked not in PROBLEMS:
        PROBLEMS[asked] = verification_error(bundle, file, INSTALLATION.host)
    return PROBLEMS[asked]


def changed(folder: Path, before: str, after: str, moves: list[tuple[int, bool, float]]) -> None:
    """Changes the mode, and asserts what is promised."""
    rollout = Rollout(folder)
    rollout.install(before)
    old = {block for each in CaBundleStore(rollout.cluster, TARGETS).read(rollout.at) for block in each.blocks}
    rollout.values(after)
    rollout.replace(moves)
    for replica in (*rollout.replicas, *rollout.replicas):
        rollout.round(replica, leads=True, seconds=SPAN.total_seconds() + 1)
    left = {block for each in CaBundleStore(rollout.cluster, TARGETS).read(rollout.at) for block in each.blocks}
    assert left
    assert left.isdisjoint(old)
    assert rollout.cluster.all_policies() == {"Fail"}


def test_renewed_certificate_waits_for_every_bundle(tmp_path: Path) -> None:
    """The files of one replica change first; the old CA stays in the bundles while the other one serves from it."""
    rollout = Rollout(tmp_path)
    rollout.install("certManager")
    first, second = rollout.replicas
    served = first.file.read_bytes()
    other = make_ca(Dates.around(NOW), CA)
    rollout.mount("certManager", other)
    rollout.round(first, leads=False)
    assert first.file.read_bytes() == served
    assert blocks_of(cert_pem(other))[0] in CaBundleStore(rollout.cluster, TARGETS).read(rollout.at)[0].blocks
    for _ in range(6):
        rollout.round(first, leads=False)
    assert (first.file.read_bytes() != served, second.file.read_bytes()) == (True, served)


def test_files_that_do_not_belong_together_are_not_taken_up(tmp_path: Path) -> None:
    rollout = Rollout(tmp_path)
    rollout.install("certManager")
    first = rollout.replicas[0]
    served = first.file.read_bytes()
    stranger = make_leaf(ISSUERS["certManager"], Dates.around(NOW), Profile("leaf", usages=(SERVER,)))
    (tmp_path / "certManager" / "tls.key").write_bytes(key_pem(stranger))
    for _ in range(6):
        rollout.round(first, leads=True)
    assert first.file.read_bytes() == served
