"""The work beside answering reviews: the certificate in every replica, CA bundles and entries in the one that leads.

Two threads of a worker process: one holds the Lease, one does a round of work every few seconds. Each write is guarded
or idempotent, so that a leader that learns late that it leads no more does no harm.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from webhook import logs
from webhook.cli.certificate import SelfManaged
from webhook.cluster.bundles import Bundles
from webhook.cluster.enforcing import Enforcing
from webhook.cluster.errors import ClusterError
from webhook.cluster.lease import Candidate
from webhook.serving.rotation import Sightings
from webhook.serving.stored import read_bundle


@dataclass
class Work:
    """What a round consists of. certificate: None where somebody else issues it; enforcing: where there are entries."""

    certificate: SelfManaged | None = None
    bundles: Bundles | None = None
    enforcing: Enforcing | None = None
    sightings: Sightings = field(default_factory=Sightings)

    def jobs(self, at: datetime, *, leads: bool) -> Mapping[str, Callable[[], object]]:
        """What is to be done in this round, in this order, each with what to say when it fails.

        The order matters: a new CA is in the bundles before anything that it signed is served.
        """
        jobs: dict[str, Callable[[], object]] = {}
        if not leads:
            self.sightings = Sightings()
        if self.certificate:
            jobs["the serving certificate could not be looked after"] = lambda: self._look(at, leads=leads)
        if leads and self.enforcing:
            jobs["the enforcing configuration could not be kept"] = self.enforcing.keep
        if leads and self.bundles and self.certificate:
            jobs["the CA bundle could not be published"] = lambda: self._publish(at)
        if leads and self.enforcing:
            jobs["the probe could not be tried"] = self._prove
        return jobs

    def _look(self, at: datetime, *, leads: bool) -> None:
        """The certificate's turn."""
        if self.certificate:
            terms = self.certificate.making.terms
            hurry = self.certificate.state.ends_within(terms.settled, at)
            settled = self.sightings.settled(at, terms, hurry=hurry)
            self.certificate.look(at, leads=leads, settled=settled)

    def _publish(self, at: datetime) -> None:
        """The CA bundles' turn: writes where they differ, then counts what stands there."""
        if not self.certificate or not self.bundles or not self.certificate.state.trusted:
            return
        for name in self.bundles.publish(self.certificate.state.bundle):
            logs.tell("the CA bundle was published", {"configuration": name})
        if self.certificate.state.announced:
            held = [read_bundle(one.bundle) for one in self.bundles.held()]
            self.sightings = self.sightings.noted(held, at)

    def _prove(self) -> None:
        """The probe's turn, where something waits for it."""
        if self.enforcing and self.enforcing.waits:
            self.enforcing.prove()


class Rounds:
    """Does the work in threads of its own until it is told to end."""

    def __init__(self, work: Work, candidate: Candidate | None, pause: float) -> None:
        """candidate: None where there is nothing to lead. pause: seconds between two rounds."""
        self.work, self.candidate, self.pause = work, candidate, pause
        self._ended = threading.Event()
        self._led = threading.Event()
        self._threads = [threading.Thread(target=self._work, name="rounds", daemon=True)]
        if candidate:
            self._threads.append(threading.Thread(target=self._hold, name="lease", daemon=True))

    def start(self) -> None:
        """Starts; to be called in the process that shall do it."""
        for thread in self._threads:
            thread.start()

    def end(self, seconds: float = 5.0) -> None:
        """Ends after the round that is under way, and lets another replica lead at once."""
        self._ended.set()
        self._led.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)
        if self.candidate:
            self.candidate.release(monotonic(), datetime.now(UTC))

    def leads(self) -> bool:
        """Whether this replica leads at this moment."""
        return self.candidate is not None and self.candidate.election.leads(monotonic())

    def _work(self) -> None:
        """One round after the other; the first one as leader comes as soon as it leads."""
        complaints = Complaints()
        while not self._ended.is_set():
            self._led.clear()
            for problem, job in self.work.jobs(datetime.now(UTC), leads=self.leads()).items():
                with complaints.about(problem):
                    job()
            self._led.wait(self.pause)

    def _hold(self) -> None:
        """Tries for the Lease, and holds it."""
        assert self.candidate  # noqa: S101  # else there is no such thread
        complaints = Complaints()
        led = False
        while not self._ended.is_set():
            with complaints.about("the Lease cannot be had"):
                self.candidate.step(monotonic(), datetime.now(UTC))
            if self.leads() != led:
                led = not led
                logs.tell("this replica leads" if led else "this replica leads no more", {})
                self._led.set()
            self._ended.wait(self.candidate.election.timing.retry)


class Complaints:
    """Says what went wrong, once for each text; whatever it is, the work goes on."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    @contextmanager
    def about(self, why: str) -> Iterator[None]:
        """Around what may go wrong; why: constant text."""
        try:
            yield
        except ClusterError as error:
            self._tell(why, str(error), {"problem": str(error)})
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end the renewal of certificates
            self._tell(why, repr(error), logs.describe(error))
        else:
            self._told.pop(why, None)

    def _tell(self, why: str, key: str, fields: Mapping[str, object]) -> None:
        """Once."""
        if key != self._told.get(why):
            self._told[why] = key
            logs.tell(why, fields, logging.WARNING)


def identity() -> str:
    """Who this process is in the election: its pod and process, told apart after a restart too."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{os.getpid()}"
