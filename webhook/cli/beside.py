"""What `serve` does beside answering: where its certificate comes from, and the duties of the replica that leads.

With `--cert` and `--key` alone there is nothing to do, and no API server is asked.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from webhook import logs
from webhook.cluster.watch import WATCH_SECONDS
from webhook.serving.authority import Terms
from webhook.serving.tls import Certificates
from webhook.settings import ObjectName, Settings

if TYPE_CHECKING:
    from webhook.cli.certificate import SelfManaged
    from webhook.cli.leading import Rounds, Work
    from webhook.cluster.access import Access
    from webhook.cluster.connection import Connection
    from webhook.cluster.lease import Candidate

_PAUSE_SECONDS = 1.0


class NoAccess(Exception):
    """There is no cluster that could be asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time goes by. round_seconds: for so long, at most, an overwritten CA bundle stays wrong.

    watch_seconds: how long a watch lasts; see `webhook.cluster.follow.Wishes`.
    """

    terms: Terms = field(default_factory=Terms)
    round_seconds: float = 5.0
    watch_seconds: int = WATCH_SECONDS


class Beside:
    """The certificate that is served, and the work around it, as settings say."""

    def __init__(self, settings: Settings, pace: Pace | None = None) -> None:
        self.settings, self.pace = settings, pace or Pace()
        self._certificate: SelfManaged | None = None
        self._rounds: Rounds | None = None

    def certificates(self, complain: Callable[[str], None]) -> Certificates:
        """What the server serves with; waits for the first certificate, if it is in the cluster that it lives.

        Raises:
            BadCertificate: the files that were named cannot serve.
            NoAccess: this is no pod, or the kubeconfig is of no use.
        """
        settings = self.settings
        if not settings.serving_secret:
            if settings.certificate is None or settings.key is None:
                raise NoAccess("no certificate was named")
            return Certificates(settings.certificate, settings.key, complain)
        file = self._first(settings.serving_secret).file
        return Certificates(file.path, file.path, complain)

    def start(self) -> None:
        """Starts the work, in the process that answers; it has connections of its own."""
        if not self.settings.serving_secret and not self.settings.installation:
            return
        from webhook.cli.leading import Rounds, Work
        from webhook.cluster.connection import Connection

        api = Connection(access_of(self.settings))
        if self._certificate:
            self._certificate.secret.api = api
        work = Work(self._certificate)
        candidate = self._led(work, api)
        self._rounds = Rounds(work, candidate, self.pace.round_seconds)
        self._rounds.start()

    def end(self) -> None:
        """Ends it, and lets another replica lead."""
        if self._rounds:
            self._rounds.end()

    def _led(self, work: "Work", api: "Connection") -> "Candidate | None":
        """Adds the leader's duties to the work; answers with the candidate for them, None where there are none."""
        named = self.settings.installation
        if not named:
            return None
        from webhook.cli.leading import identity
        from webhook.cluster.bundles import Bundles, Configuration
        from webhook.cluster.enforcing import Enforcing, Installation
        from webhook.cluster.lease import Candidate, Election
        from webhook.cluster.resource import MUTATING, VALIDATING

        installation = Installation(named.namespace, named.name, self.settings.probe_namespace or named.namespace)
        work.enforcing = Enforcing(api, installation, logs.tell)
        validating = [Configuration(VALIDATING, name) for name in (named.name, installation.enforcing)]
        work.bundles = Bundles(api, [*validating, Configuration(MUTATING, installation.injecting)])
        return Candidate(api, named.namespace, named.name, Election(identity()))

    def _first(self, where: ObjectName) -> "SelfManaged":
        """The certificate once there is one; asks until the API server answers and lets us."""
        from webhook.cli.certificate import Making, SelfManaged
        from webhook.cli.leading import Complaints
        from webhook.cluster.connection import Connection
        from webhook.cluster.serving_secret import ServingSecret
        from webhook.serving.files import PrivateFile

        access = access_of(self.settings)
        secret = ServingSecret(Connection(access), where.namespace, where.name, _LABELS)
        making = Making(frozenset(self.settings.serving_dns or ()), self.pace.terms)
        found = self._certificate = SelfManaged(secret, PrivateFile(), making)
        complaints = Complaints()
        while True:
            with complaints.about("there is no serving certificate yet"):
                found.look(datetime.now(UTC))
            if found.file.path.exists():
                break
            time.sleep(_PAUSE_SECONDS)
        access.drop_connections()
        return found


def access_of(settings: Settings) -> "Access":
    """Who we are for the API server.

    Raises:
        NoAccess: this is no pod, or the kubeconfig is of no use.
    """
    from webhook.cluster.access import from_kubeconfig, in_cluster
    from webhook.cluster.errors import ClusterUnavailable

    try:
        return from_kubeconfig(settings.kubeconfig) if settings.kubeconfig else in_cluster()
    except ClusterUnavailable as error:
        hint = "" if settings.kubeconfig else "; --kubeconfig names another, --cluster a folder of manifests"
        raise NoAccess(f"{error}{hint}") from error


_LABELS = {"app.kubernetes.io/name": "mtls-guard", "app.kubernetes.io/managed-by": "mtls-guard"}
