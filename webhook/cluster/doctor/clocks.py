"""Whether the clocks of the API server, of the leader and of this machine are together."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from webhook.cluster.connection import Connection
from webhook.cluster.doctor.words import Check, Installation
from webhook.cluster.errors import ClusterError, NotFound
from webhook.cluster.resource import CONFIG_MAPS, LEASES
from webhook.model.manifest import dig, text

SKEW = timedelta(seconds=10)
"""Clocks that differ by more make certificates valid for one and not for the other."""


def check_clocks(connection: Connection, found: Installation, now: Callable[[], datetime]) -> Iterator[Check]:
    """The API server's clock, then whether somebody leads, by whose clock the lease is stamped."""
    yield _clocks(connection, found, now)
    yield _leader(connection, found, now())


def _clocks(connection: Connection, found: Installation, now: Callable[[], datetime]) -> Check:
    """The API server's clock, as it stamps a dry run, against ours."""
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "mtls-guard-clock-", "namespace": found.namespace},
    }
    try:
        made = connection.create(CONFIG_MAPS, manifest, {"dryRun": "All"})
    except ClusterError as error:
        return Check(
            "clocks",
            good=None,
            told=f"the API server's cannot be read: {error}",
            remedy="run it as somebody who may create ConfigMaps",
        )
    stamped = _instant(text(dig(made, "metadata", "creationTimestamp")))
    return _skew("clocks", "the API server", stamped, now())


def _leader(connection: Connection, found: Installation, now: datetime) -> Check:
    """Whether somebody leads; its renewals are stamped by its own clock."""
    try:
        lease = connection.get(LEASES, found.namespace, found.name)
    except NotFound:
        told = "nobody has ever led: entries and CA bundles are not kept"
        return Check("leader", good=False, told=told, remedy=f"{found.restart}; {found.logs}")
    holder, renewed = text(dig(lease, "spec", "holderIdentity")), _instant(text(dig(lease, "spec", "renewTime")))
    if renewed is None or not holder or now - renewed > timedelta(seconds=60):
        told = f'"{holder}" has not renewed its lease since {renewed}: entries and CA bundles are not kept'
        return Check("leader", good=False, told=told, remedy=f"see the replicas above; then {found.restart}")
    if renewed - now > SKEW:
        return _skew("leader", holder, renewed, now)
    return Check("leader", good=True, told=f"{holder} leads")


def _skew(name: str, who: str, theirs: datetime | None, ours: datetime) -> Check:
    if theirs is None:
        return Check(name, good=None, told=f"{who} tells no time")
    apart = abs(theirs - ours)
    if apart > SKEW:
        told = f"{who} and this machine are {apart.total_seconds():.0f} s apart"
        return Check(name, good=False, told=told, remedy="set both by NTP: certificates are valid by the clock")
    return Check(name, good=True, told=f"{who} and this machine are together")


def _instant(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None
