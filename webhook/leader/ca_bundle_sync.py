"""Keeps what the API server trusts together with what replicas serve: the CA bundles, seen from one replica.

Every replica adds the CA that verifies it where a bundle lacks it, also later, when somebody has overwritten the bundle
and no replica leads. The leader takes out what no replica needs any more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from webhook import logs
from webhook.kubeapi.errors import Forbidden
from webhook.leader.ca_bundle_plan import Blocks, PublishedBundles, grown, settled
from webhook.leader.ca_bundles import CaBundleStore
from webhook.serving.certificate_check import verification_error

TAKEN_UP = timedelta(seconds=3)
"""For so long an API server may still verify us with the bundle of before."""


@dataclass(frozen=True, slots=True)
class ReplicaTrust:
    """What a replica has to do with the bundles. authorities: the CAs that verify it. waits: it is not verified yet."""

    authorities: Blocks
    waits: bool
    leads: bool


class CaBundleSync:
    """The bundles of an installation."""

    def __init__(
        self, bundles: CaBundleStore, host: str, span: timedelta, others: Callable[[], bool] = lambda: False
    ) -> None:
        """host: the name under which the API server calls us. span: how long a CA that no replica names stays.

        others: whether replicas of another Pod template are there, which may serve something else.
        """
        self.bundles, self.host, self.span, self.others = bundles, host, span, others
        self.published: tuple[PublishedBundles, ...] = ()
        self.is_read = False
        self._seen: dict[bytes, datetime] = {}

    def read(self, at: datetime) -> None:
        """Reads the bundles, for the rest of the round.

        Raises:
            ClusterError: a configuration cannot be read.
        """
        self.published, self.is_read = (), False
        try:
            self.published, self.is_read = self.bundles.read(at), True
        except Forbidden:  # then nothing can be waited for
            self.is_read = True
            raise
        there = {bundle for each in self.published for bundle in each.bundles.values()}
        self._seen = {bundle: self._seen.get(bundle, at) for bundle in there}

    def verification_error(self, file: Path, at: datetime) -> str:
        """What is wrong with serving the certificate in the file now, '' where nothing is."""
        problems = (verification_error(bundle, file, self.host) for bundle in self._seen)
        problem = next(filter(None, problems), "")
        if problem or all(at - seen >= TAKEN_UP for seen in self._seen.values()):
            return problem
        written = (each.since for each in self.published if each.bundles)
        fresh = any(since is None or at - since < TAKEN_UP for since in written)
        return "the CA bundle was written just now" if fresh else ""

    def settled(self, authorities: Iterable[bytes], at: datetime, *, hurry: bool = False) -> bool:
        """Whether every API server has had time to take up these CAs; in a hurry, whether every entry holds them."""
        return settled(self.published, authorities, at, timedelta() if hurry else self.span)

    def publish(self, own: ReplicaTrust, at: datetime) -> None:
        """Adds our CAs where they are missing; leading, takes out those that no replica needs.

        Raises:
            ClusterError: a configuration cannot be written.
        """
        if not own.authorities or not (own.leads or own.waits):
            return
        blocks = grown(self.published, own.authorities)
        spare = set(blocks) != set(own.authorities)
        if own.leads and spare and self.settled((), at) and not self.others():
            blocks = own.authorities
        for name in self.bundles.write(self.published, blocks, at):
            logs.tell("the CA bundle was published", {"configuration": name})
