"""What `serve` does beside answering: where its certificate comes from, and the duties of the replica that leads.

With `--cert` and `--key` alone there is nothing to do, and no API server is asked.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from webhook import logs
from webhook.informer.list_watch import WATCH_SECONDS
from webhook.serving.ca import CertificateLifetimes
from webhook.serving.tls import TlsContextSource
from webhook.settings import ObjectName, Settings

if TYPE_CHECKING:
    from webhook.kubeapi.client import ApiClient
    from webhook.kubeapi.credentials import ApiAccess
    from webhook.leader.election import LeaderElector
    from webhook.leader.loop import ReplicaLoop, ReplicaTasks
    from webhook.leader.namespace_watch import NamespaceWatch
    from webhook.leader.serving_certificate import SelfManagedCertificate
    from webhook.metrics import LeaderStatus
    from webhook.server.mounted_certificate import MountedCertificate

_PAUSE_SECONDS = 1.0


class NoClusterAccess(Exception):
    """There is no cluster that could be asked; the text says why."""


@dataclass(frozen=True, slots=True)
class LoopTiming:
    """How fast time goes by. round_seconds: for so long, at most, an overwritten CA bundle stays wrong.

    watch_seconds: how long a watch lasts; see `webhook.informer.reflector.ReflectorConfig`.
    """

    terms: CertificateLifetimes = field(default_factory=CertificateLifetimes)
    round_seconds: float = 5.0
    watch_seconds: int = WATCH_SECONDS


class BackgroundWork:
    """The certificate that is served, and the work around it, as settings say."""

    def __init__(self, settings: Settings, pace: LoopTiming | None = None) -> None:
        self.settings, self.pace = settings, pace or LoopTiming()
        self._certificate: SelfManagedCertificate | MountedCertificate | None = None
        self._rounds: ReplicaLoop | None = None
        self.work: ReplicaTasks | None = None

    def certificates(self, complain: Callable[[str], None]) -> TlsContextSource:
        """What the server serves with; waits for the first certificate, if it is in the cluster that it lives.

        Raises:
            BadCertificate: the files that were named cannot serve.
            NoAccess: this is no pod, or the kubeconfig is of no use.
        """
        settings = self.settings
        if not settings.serving_secret:
            if settings.certificate is None or settings.key is None:
                raise NoClusterAccess("no certificate was named")
            if not settings.installation:
                return TlsContextSource(settings.certificate, settings.key, complain)
            file = self._mounted(settings.certificate, settings.key, settings.ca).file
        else:
            file = self._first(settings.serving_secret).file
        return TlsContextSource(file.path, file.path, complain)

    def start(self) -> None:
        """Starts the work, in the process that answers; it has connections of its own."""
        if not self.settings.serving_secret and not self.settings.installation:
            return
        from webhook.kubeapi.client import ApiClient
        from webhook.leader.loop import ReplicaLoop, ReplicaTasks
        from webhook.leader.serving_certificate import SelfManagedCertificate

        api = ApiClient(access_of(self.settings))
        if isinstance(self._certificate, SelfManagedCertificate):
            self._certificate.secret.api = api
        self.work = ReplicaTasks(self._certificate)
        self._rounds = ReplicaLoop(self.work, self.pace.round_seconds, *self._led(self.work, api))
        self._rounds.start()

    def end(self) -> None:
        """Ends it, and lets another replica lead."""
        if self._rounds:
            self._rounds.end()

    def waits(self) -> str:
        """What is waited for before the API server accepts the certificate that is served, '' once it does."""
        return self.work.waits if self.work else ""

    def led(self) -> "LeaderStatus":
        """What this replica has done as the leader, for the metrics."""
        from webhook.metrics import LeaderStatus

        keeping = self.work.keeping if self.work else None
        if not keeping or not self._rounds:
            return LeaderStatus()
        kept, leads = dict(keeping.kept), self._rounds.leads()
        enforcing = {name: each.enforces for name, each in kept.items() if leads}
        return LeaderStatus(
            leads, enforcing, {name: each.restored for name, each in kept.items()}, dict(keeping.outcomes)
        )

    def _led(self, work: "ReplicaTasks", api: "ApiClient") -> "tuple[LeaderElector | None, NamespaceWatch | None]":
        """Adds what an installation needs to the work; answers with who competes for the Lease, and who for the end."""
        named = self.settings.installation
        if not named:
            return None, None
        from webhook.kubeapi.resource import MUTATING, VALIDATING
        from webhook.leader.ca_bundle_sync import CaBundleSync
        from webhook.leader.ca_bundles import CaBundleStore, WebhookConfigurationName
        from webhook.leader.election import ElectionState, LeaderElector
        from webhook.leader.enforcement import EnforcementReconciler
        from webhook.leader.installation import Installation
        from webhook.leader.loop import identity
        from webhook.leader.namespace_watch import NamespaceWatch
        from webhook.leader.rollout import others_of

        found = Installation(named.namespace, named.name, self.settings.probe_namespace or named.namespace)
        work.keeping = EnforcementReconciler(api, found, logs.tell)
        validating = [WebhookConfigurationName(VALIDATING, name) for name in (found.telling, found.enforcing)]
        bundles = CaBundleStore(
            api, [*validating, *(WebhookConfigurationName(MUTATING, name) for name in (found.injecting, found.last))]
        )
        others = partial(others_of, api, named.namespace, os.environ.get("POD_NAME", ""))
        work.trust = CaBundleSync(bundles, found.host, self.pace.terms.settled, others)
        candidate = LeaderElector(api, named.namespace, named.name, ElectionState(identity()))
        return candidate, NamespaceWatch(api, named.namespace)

    def _mounted(self, certificate: Path, key: Path, ca: Path | None) -> "MountedCertificate":
        """The certificate in mounted files.

        Raises:
            BadCertificate: it cannot serve.
        """
        from webhook.server.mounted_certificate import MountedCertificate, MountedFiles
        from webhook.serving.key_file import PrivateFile

        self._certificate = mounted = MountedCertificate(MountedFiles(certificate, key, ca), PrivateFile())
        return mounted

    def _first(self, where: ObjectName) -> "SelfManagedCertificate":
        """The certificate once there is one; asks until the API server answers and lets us."""
        from webhook.kubeapi.client import ApiClient
        from webhook.leader.loop import ProblemLog
        from webhook.leader.serving_certificate import CertificateSpec, SelfManagedCertificate
        from webhook.leader.serving_secret import ServingSecret
        from webhook.serving.key_file import PrivateFile

        access = access_of(self.settings)
        secret = ServingSecret(ApiClient(access), where.namespace, where.name, _LABELS)
        making = CertificateSpec(frozenset(self.settings.serving_dns or ()), self.pace.terms)
        found = self._certificate = SelfManagedCertificate(secret, PrivateFile(), making)
        complaints = ProblemLog()
        while True:
            with complaints.about("there is no serving certificate yet"):
                found.look(datetime.now(UTC))
            if found.file.path.exists():
                break
            time.sleep(_PAUSE_SECONDS)
        access.drop_connections()
        return found


def access_of(settings: Settings) -> "ApiAccess":
    """Who we are for the API server.

    Raises:
        NoAccess: this is no pod, or the kubeconfig is of no use.
    """
    from webhook.kubeapi.credentials import from_kubeconfig, in_cluster
    from webhook.kubeapi.errors import ClusterUnavailable

    try:
        return from_kubeconfig(settings.kubeconfig) if settings.kubeconfig else in_cluster()
    except ClusterUnavailable as error:
        hint = "" if settings.kubeconfig else "; --kubeconfig names another, --cluster a folder of manifests"
        raise NoClusterAccess(f"{error}{hint}") from error


_LABELS = {"app.kubernetes.io/name": "mtls-guard", "app.kubernetes.io/managed-by": "mtls-guard"}
