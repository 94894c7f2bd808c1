"""Whether the clocks of the API server, of the leader and of this machine are together, and whether somebody leads."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from webhook.doctor.check import Check, DoctorContext, follows_from
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.errors import ClusterError, NotFound
from webhook.kubeapi.resource import CONFIG_MAPS, LEASES
from webhook.model.raw_object import dig, text

SKEW = timedelta(seconds=10)
"""Clocks that differ by more make certificates valid for one and not for the other."""
LATE = timedelta(seconds=30)
"""Twice the time after which another replica takes an abandoned lease."""


def check_clocks(
    connection: ApiClient, found: DoctorContext, now: Callable[[], datetime], wrong: Sequence[Check] = ()
) -> Iterator[Check]:
    """The API server's clock against ours, then by the API server's whether somebody leads.

    wrong: what was looked at before, which may be why nobody leads.
    """
    try:
        stamped, trouble = _stamped(connection, found), ""
    except ClusterError as error:
        stamped, trouble = None, str(error)
    if stamped is None:
        told = f"the API server's cannot be read{trouble and f': {trouble}'}"
        yield Check("clocks", good=None, told=told, remedy="run it as somebody who may create ConfigMaps")
    else:
        yield _skew("clocks", "the API server and this machine", stamped - now())
    yield _leader(connection, found, stamped or now(), follows_from(wrong))


def _stamped(connection: ApiClient, found: DoctorContext) -> datetime | None:
    """What time it is for the API server, as it stamps a dry run."""
    metadata = {"generateName": "mtls-guard-clock-", "namespace": found.namespace}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    made = connection.create(CONFIG_MAPS, manifest, {"dryRun": "All"})
    return _instant(text(dig(made, "metadata", "creationTimestamp")))


def _leader(connection: ApiClient, found: DoctorContext, now: datetime, follows: str) -> Check:
    """Whether somebody leads; renewals are stamped by the leader's own clock. follows: what explains a no."""
    try:
        lease = connection.get(LEASES, found.namespace, found.name)
    except NotFound:
        return _nobody(found, "nobody has ever led", follows)
    holder, renewed = text(dig(lease, "spec", "holderIdentity")), _instant(text(dig(lease, "spec", "renewTime")))
    if renewed is None or not holder:
        return _nobody(found, "nobody leads", follows)
    if now - renewed > LATE:
        return _nobody(found, f'"{holder}" has not renewed its lease since {renewed:%Y-%m-%dT%H:%M:%SZ}', follows)
    if renewed - now > SKEW:
        return _skew("leader", f'"{holder}" and the API server', renewed - now)
    return Check("leader", good=True, told=f"{holder} leads")


def _nobody(found: DoctorContext, why: str, follows: str) -> Check:
    remedy = follows or f"replicas are ready, and have the right to lead: {found.restart}; {found.logs}"
    return Check("leader", good=False, told=f"{why}: entries and CA bundles are not kept", remedy=remedy)


def _skew(name: str, whose: str, apart: timedelta) -> Check:
    if abs(apart) > SKEW:
        told = f"the clocks of {whose} are {abs(apart).total_seconds():.0f} s apart"
        remedy = "set both by NTP (timedatectl set-ntp true): certificates are valid by the clock"
        return Check(name, good=False, told=told, remedy=remedy)
    return Check(name, good=True, told=f"those of {whose} are together")


def _instant(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None
