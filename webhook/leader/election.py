"""Which replica leads: an election by a Lease, as client-go holds it; what a leader does is left to others.

`Election` is the state machine: what was seen, and when, by a clock that never goes back. So no wrong wall clock, ours
or another replica's, makes two leaders or none. `Candidate` asks the API server.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from webhook.kubeapi.client import How
from webhook.kubeapi.errors import ClusterError, Conflict, NotFound
from webhook.kubeapi.resource import LEASES
from webhook.leader.api import Api
from webhook.model.raw_object import mapping, number, text

Move = Literal["create", "take", "renew", "wait"]


@dataclass(frozen=True, slots=True)
class Timing:
    """In seconds. The values are those of Kubernetes' own components.

    lease: for how long nobody else may take it after a renewal that was seen.
    deadline: a leader that could not renew for so long leads no more; shorter than the lease, so two never lead.
    retry: the pause between two moves.
    Source: https://github.com/kubernetes/component-base/blob/v0.34.0/config/v1alpha1/defaults.go
    """

    lease: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0


@dataclass(frozen=True, slots=True)
class Record:
    """A Lease as it was read. version: its resourceVersion, which each renewal changes.

    Its dates and its duration are not believed: one wrong clock, or hand, would decide for all.
    """

    holder: str
    transitions: int
    acquired: str
    version: str

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Record":
        """What a Lease says, whatever its shape."""
        spec = mapping(manifest.get("spec"))
        return cls(
            text(spec.get("holderIdentity")),
            number(spec.get("leaseTransitions")) or 0,
            text(spec.get("acquireTime")),
            text(mapping(manifest.get("metadata")).get("resourceVersion")),
        )


@dataclass(frozen=True, slots=True)
class Election:
    """What one candidate knows. seen_at: when the record was first seen so. renewed_at: when we last wrote it."""

    me: str
    timing: Timing = field(default_factory=Timing)
    record: Record | None = None
    seen_at: float = 0.0
    renewed_at: float | None = None

    def observed(self, record: Record | None, now: float) -> "Election":
        """After a look at the Lease; None when there is none."""
        if record == self.record:
            return self
        still = self.renewed_at if record and record.holder == self.me else None
        return replace(self, record=record, seen_at=now, renewed_at=still)

    def renewed(self, record: Record, asked_at: float) -> "Election":
        """After the API server took what we wrote; counts from when it was asked."""
        return replace(self, record=record, seen_at=asked_at, renewed_at=asked_at)

    def move(self, now: float) -> Move:
        """What is to be done next."""
        if self.record is None:
            return "create"
        if self.record.holder == self.me:
            return "renew"
        free = not self.record.holder or now >= self.seen_at + self.timing.lease
        return "take" if free else "wait"

    def leads(self, now: float) -> bool:
        """Whether this candidate may act as the leader at this moment."""
        return self.renewed_at is not None and now < self.renewed_at + self.timing.deadline


class Candidate:
    """One replica in the election for the Lease of that namespace and name."""

    def __init__(self, api: Api, namespace: str, name: str, election: Election) -> None:
        """election: the state to start from; it says who we are."""
        self.api, self.namespace, self.name = api, namespace, name
        self.election = election

    def step(self, now: float, wall: datetime) -> bool:
        """Looks, and acquires or renews where it can; whether we lead. Loses to others silently.

        now: seconds of a clock that never goes back. wall: the time that is written for people.

        Raises:
            ClusterError: the API server cannot be asked, or does not let us; we lead on until our deadline.
        """
        self.election = self.election.observed(self._read(), now)
        move = self.election.move(now)
        if move != "wait":
            with suppress(Conflict):
                written = self._write(self._claim(move, wall), create=move == "create")
                self.election = self.election.renewed(Record.of(written), now)
        return self.election.leads(now)

    def release(self, now: float, wall: datetime) -> None:
        """Lets others take over at once, where we lead; to be called when the leader's work has ended."""
        if self.election.leads(now) and self.election.record:
            spec = self._spec(wall) | {"holderIdentity": "", "leaseDurationSeconds": 1}
            with suppress(ClusterError):
                self._write(spec | {"leaseTransitions": self.election.record.transitions}, create=False)
        self.election = replace(self.election, record=None, renewed_at=None)

    def _read(self) -> Record | None:
        """The Lease, None when there is none."""
        try:
            return Record.of(
                self.api.get(LEASES, self.namespace, self.name, How(seconds=self.election.timing.deadline / 2))
            )
        except NotFound:
            return None

    def _claim(self, move: Move, wall: datetime) -> dict[str, Any]:
        """The Lease's spec with us as its holder."""
        record = self.election.record
        spec = self._spec(wall)
        if record is None:
            return spec
        if move == "renew":
            return spec | {
                "leaseTransitions": record.transitions,
                "acquireTime": record.acquired or spec["acquireTime"],
            }
        return spec | {"leaseTransitions": record.transitions + 1}

    def _spec(self, wall: datetime) -> dict[str, Any]:
        """Held by us since now."""
        stamp = wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        seconds = max(1, round(self.election.timing.lease))
        held = {"holderIdentity": self.election.me, "leaseDurationSeconds": seconds, "leaseTransitions": 0}
        return held | {"acquireTime": stamp, "renewTime": stamp}

    def _write(self, spec: Mapping[str, Any], *, create: bool) -> dict[str, Any]:
        """Writes the Lease as new, or over the version that was seen."""
        metadata = {"name": self.name, "namespace": self.namespace}
        if not create and self.election.record:
            metadata["resourceVersion"] = self.election.record.version
        manifest = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
        return self.api.create(LEASES, manifest) if create else self.api.replace(LEASES, manifest)
