"""Leader election with a Lease, as in client-go's `leaderelection` package. `leader/loop.py` runs what the leader does.

`ElectionState` is the state machine. It uses a monotonic clock only, so that a wrong wall clock of any replica cannot
cause two leaders or none. `LeaderElector` reads and writes the Lease.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from webhook.kubeapi.client import ReadOptions
from webhook.kubeapi.errors import ClusterError, Conflict, NotFound
from webhook.kubeapi.resource import LEASES
from webhook.leader.api import ObjectApi
from webhook.model.raw_object import mapping, number, text

Move = Literal["create", "take", "renew", "wait"]


@dataclass(frozen=True, slots=True)
class LeaseTiming:
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
class LeaseRecord:
    """A Lease as it was read. version: its resourceVersion, which each renewal changes.

    Its dates and its duration are not believed: one wrong clock, or hand, would decide for all.
    """

    holder: str
    transitions: int
    acquired: str
    version: str

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "LeaseRecord":
        """What a Lease says, whatever its shape."""
        spec = mapping(manifest.get("spec"))
        return cls(
            text(spec.get("holderIdentity")),
            number(spec.get("leaseTransitions")) or 0,
            text(spec.get("acquireTime")),
            text(mapping(manifest.get("metadata")).get("resourceVersion")),
        )


@dataclass(frozen=True, slots=True)
class ElectionState:
    """What one candidate knows. seen_at: when the record was first seen so. renewed_at: when we last wrote it."""

    me: str
    timing: LeaseTiming = field(default_factory=LeaseTiming)
    record: LeaseRecord | None = None
    seen_at: float = 0.0
    renewed_at: float | None = None

    def observed(self, record: LeaseRecord | None, now: float) -> "ElectionState":
        """After a look at the Lease; None when there is none."""
        if record == self.record:
            return self
        still = self.renewed_at if record and record.holder == self.me else None
        return replace(self, record=record, seen_at=now, renewed_at=still)

    def renewed(self, record: LeaseRecord, asked_at: float) -> "ElectionState":
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


class LeaderElector:
    """One replica in the election for the Lease of that namespace and name."""

    def __init__(self, api: ObjectApi, namespace: str, name: str, election: ElectionState) -> None:
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
                self.election = self.election.renewed(LeaseRecord.of(written), now)
        return self.election.leads(now)

    def release(self, now: float, wall: datetime) -> None:
        """Lets others take over at once, where we lead; to be called when the leader's work has ended."""
        if self.election.leads(now) and self.election.record:
            spec = self._spec(wall) | {"holderIdentity": "", "leaseDurationSeconds": 1}
            with suppress(ClusterError):
                self._write(spec | {"leaseTransitions": self.election.record.transitions}, create=False)
        self.election = replace(self.election, record=None, renewed_at=None)

    def _read(self) -> LeaseRecord | None:
        """The Lease, None when there is none."""
        try:
            return LeaseRecord.of(
                self.api.get(LEASES, self.namespace, self.name, ReadOptions(seconds=self.election.timing.deadline / 2))
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
