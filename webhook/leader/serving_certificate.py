"""The self-managed certificate: joins the Secret in the cluster, the rules of rotation, and the file that is served.

Every replica looks, at its own pace, and takes up what it finds. Only the leader renews. What cannot wait for a leader
(there is no Secret yet, or nothing in it can serve) is done by whoever sees it first; who is second reads it.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from webhook import logs
from webhook.leader.ca_bundle_plan import Blocks, blocks_of
from webhook.leader.ca_bundle_sync import CaBundleSync
from webhook.leader.serving_secret import ServingSecret, StoredSecret
from webhook.serving.ca import CertificateLifetimes, NewKey, cert_pem, new_key
from webhook.serving.key_file import PrivateFile
from webhook.serving.rotation import (
    Authorities,
    CertificateSet,
    RotationRequirements,
    RotationStep,
    advance,
    serves,
    usable_certificates,
)
from webhook.serving.secret_codec import read_state, write_state

_STEPS = 8


@dataclass(frozen=True, slots=True)
class CertificateSpec:
    """How certificates are made. names: DNS names under which the API server calls us."""

    names: frozenset[str]
    terms: CertificateLifetimes = field(default_factory=CertificateLifetimes)
    key: NewKey = new_key


class SelfManagedCertificate:
    """The certificate of an installation, as one replica keeps it."""

    def __init__(self, secret: ServingSecret, file: PrivateFile, making: CertificateSpec) -> None:
        self.secret, self.file, self.making = secret, file, making
        self.state = CertificateSet()
        self._faults: tuple[str, ...] = ()

    @property
    def authorities(self) -> Blocks:
        """Every CA that the API server should verify us with."""
        return blocks_of(self.state.bundle)

    @property
    def path(self) -> Path:
        """The file that is served."""
        return self.file.path

    def round(self, at: datetime, trust: CaBundleSync | None, *, leads: bool) -> bool:
        """Looks; an announced CA takes over once it was in every bundle for long enough. Nothing waits for the bundles.

        Raises:
            ClusterError: as `look`.
        """
        announced = self.state.announced
        settled: Authorities = ()
        if leads and trust and announced:
            hurry = self.state.ends_within(self.making.terms.settled, at)
            certificate = announced.certificate
            settled = (certificate,) if trust.settled(blocks_of(cert_pem(certificate)), at, hurry=hurry) else ()
        self.look(at, leads=leads, settled=settled)
        return False

    def look(self, at: datetime, *, leads: bool = False, settled: Authorities = ()) -> CertificateSet:
        """Reads the Secret, does what is due, and serves what is there now; answers with it.

        leads: whether to renew, too. settled: the CAs that every webhook configuration holds for long enough.

        Raises:
            ClusterError: the Secret cannot be read or written; what was served before is served on.
        """
        need = RotationRequirements(at, self.making.names, settled, self.making.terms)
        for _ in range(_STEPS):
            if not self._step(need, leads=leads):
                break
        if self.state.leaf and serves(self.state, at, ()) and self.file.write(self.state.leaf):
            ends = {name: end.isoformat() for name, end in self.state.ends().items()}
            logs.tell("the serving certificate was taken up", ends)
        return self.state

    def _step(self, need: RotationRequirements, *, leads: bool) -> bool:
        """Reads, and makes at most one change; whether to read again."""
        stored = self.secret.read()
        found = self._read(stored)
        base = usable_certificates(found, self.state, need.at)
        step = advance(base, need, self.making.key)
        if base != found and not (step and step.urgent):
            step = RotationStep(base, "the Secret of the serving certificate was put back", urgent=True)
        if not step or not (leads or step.urgent):
            self.state = base
            return False
        if self.secret.write(write_state(step.state), stored):
            self.state = step.state
            logs.tell(step.reason, {"secret": self.secret.name})
        return True

    def _read(self, stored: StoredSecret) -> CertificateSet:
        """What the Secret holds; says what in it is damaged, once."""
        reading = read_state(stored.values)
        if reading.faults != self._faults:
            self._faults = reading.faults
            for fault in reading.faults:
                logs.tell("damaged content", {"secret": self.secret.name, "problem": fault}, logging.WARNING)
        return reading.state
