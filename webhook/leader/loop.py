"""The work beside answering reviews: the certificate and its CA in every replica, the entries in the one that leads.

Threads of a worker process: one holds the Lease, one does a round of work every few seconds, one waits for the end of
our namespace. Each write is guarded or idempotent, so that a leader that learns late that it leads no more is harmless.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Protocol

from webhook import logs
from webhook.kubeapi.errors import ClusterError
from webhook.leader.ca_bundle_plan import Blocks, blocks_of
from webhook.leader.ca_bundle_sync import CaBundleSync, ReplicaTrust
from webhook.leader.election import LeaderElector
from webhook.leader.enforcement import EnforcementReconciler
from webhook.leader.namespace_watch import NamespaceWatch

_HURRY_SECONDS = 1.0
"""Between two rounds while this replica is not ready."""


class ServedCertificate(Protocol):
    """The certificate that this replica serves, whoever issues it."""

    @property
    def authorities(self) -> Blocks:
        """The CAs that verify it, and what it will serve next."""

    @property
    def path(self) -> Path:
        """The file that is served."""

    def round(self, at: datetime, trust: CaBundleSync | None, *, leads: bool) -> bool:
        """Looks after it; whether something waits for the bundles."""


@dataclass
class ReplicaTasks:
    """What a round consists of; None where there is nothing to do. keeping: for the replica that leads."""

    certificate: ServedCertificate | None = None
    trust: CaBundleSync | None = None
    keeping: EnforcementReconciler | None = None
    is_ready: bool = False
    problem: str = "the CA bundles have not been read yet"
    _waits: bool = False

    @property
    def waits(self) -> str:
        """What this replica waits for before the API server would accept what it serves; once it was, nothing."""
        return "" if self.is_ready or not self.trust or not self.certificate else f"the CA bundles: {self.problem}"

    def jobs(self, at: datetime, *, leads: bool) -> Mapping[str, Callable[[], object]]:
        """What is to be done in this round, in this order, each with what to say when it fails.

        The order matters: a new CA is in the bundles before anything that it signed is served.
        """
        jobs: dict[str, Callable[[], object]] = {}
        if self.trust:
            jobs["the CA bundles could not be read"] = partial(self.trust.read, at)
        if self.certificate:
            jobs["the serving certificate could not be looked after"] = lambda: self._look(at, leads=leads)
        if leads and self.keeping:
            jobs["the webhook configurations could not be kept"] = self.keeping.keep
        if self.trust and self.certificate:
            jobs["the CA bundle could not be published"] = lambda: self._publish(at, leads=leads)
        if leads and self.keeping:
            jobs["the probe could not be tried"] = self.keeping.prove
        return jobs

    def _look(self, at: datetime, *, leads: bool) -> None:
        """The certificate's turn."""
        if self.certificate:
            self._waits = self.certificate.round(at, self.trust, leads=leads)

    def _publish(self, at: datetime, *, leads: bool) -> None:
        """The CA bundles' turn."""
        if leads and self.trust:
            self.trust.read(at)  # a configuration may have been created just now
        if not self.certificate or not self.trust or not self.trust.is_read:
            return
        self.problem = self.trust.verification_error(self.certificate.path, at)
        self.is_ready = self.is_ready or not self.problem
        stated = self.keeping.stated if self.keeping and leads else None
        authorities = (*self.certificate.authorities, *blocks_of(stated.authorities if stated else b""))
        waits = self._waits or bool(self.problem)
        self.trust.publish(ReplicaTrust(tuple(dict.fromkeys(authorities)), waits, leads), at)


class ReplicaLoop:
    """Does the work in threads of its own until it is told to end."""

    def __init__(
        self,
        work: ReplicaTasks,
        pause: float,
        candidate: LeaderElector | None = None,
        namespace: NamespaceWatch | None = None,
    ) -> None:
        """candidate, namespace: None where there is nothing to lead. pause: seconds between two rounds."""
        self.work, self.candidate, self.pause, self.namespace = work, candidate, pause, namespace
        self._ended = threading.Event()
        self._led = threading.Event()
        self._threads = [threading.Thread(target=self._work, name="rounds", daemon=True)]
        if candidate:
            self._threads.append(threading.Thread(target=self._hold, name="lease", daemon=True))
        if namespace:
            self._threads.append(threading.Thread(target=self._leave, name="namespace", daemon=True))

    def start(self) -> None:
        """Starts; to be called in the process that shall do it."""
        for thread in self._threads:
            thread.start()

    def end(self, seconds: float = 5.0) -> None:
        """Ends after the round that is under way, and lets another replica lead at once."""
        self._ended.set()
        self._led.set()
        if self.namespace:
            self.namespace.end()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)
        if self.work.keeping and self.leads():  # break-glass may have come since the last round
            with ProblemLog().about("the webhook configurations could not be kept"):
                self.work.keeping.keep()
        if self.candidate:
            self.candidate.release(monotonic(), datetime.now(UTC))

    def leads(self) -> bool:
        """Whether this replica leads at this moment."""
        return self.candidate is not None and self.candidate.election.leads(monotonic())

    def _work(self) -> None:
        """One round after the other; the first one as leader comes as soon as it leads."""
        complaints = ProblemLog()
        while not self._ended.is_set():
            self._led.clear()
            for problem, job in self.work.jobs(datetime.now(UTC), leads=self.leads()).items():
                with complaints.about(problem):
                    job()
            self._led.wait(min(self.pause, _HURRY_SECONDS) if self.work.waits else self.pause)

    def _leave(self) -> None:
        """Takes away what could block as soon as our namespace is being deleted, in each replica: time is short."""
        assert self.namespace  # noqa: S101  # else there is no such thread
        if self.namespace.is_deleted(self._ended.wait) and self.work.keeping:
            with ProblemLog().about("the webhook configurations could not be removed"):
                self.work.keeping.leave()

    def _hold(self) -> None:
        """Tries for the Lease, and holds it."""
        assert self.candidate  # noqa: S101  # else there is no such thread
        complaints = ProblemLog()
        led = False
        while not self._ended.is_set():
            with complaints.about("the Lease cannot be had"):
                self.candidate.step(monotonic(), datetime.now(UTC))
            if self.leads() != led:
                led = not led
                logs.tell("this replica leads" if led else "this replica leads no more", {})
                self._led.set()
            self._ended.wait(self.candidate.election.timing.retry)


class ProblemLog:
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
