"""What leads calls of a workload around its sidecar: annotations on ports and addresses, and the sidecar's own user."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from webhook.istio.pilot.route_resolution import End
from webhook.model.chain import Origination
from webhook.model.workload import PROXY, Container
from webhook.rules._words import annotation, quote
from webhook.trace.workload import WorkloadPicture

TRAFFIC = "traffic.sidecar.istio.io/"
EXCLUDED_PORTS = TRAFFIC + "excludeOutboundPorts"
INCLUDED_PORTS = TRAFFIC + "includeOutboundPorts"
EXCLUDED_RANGES = TRAFFIC + "excludeOutboundIPRanges"
INCLUDED_RANGES = TRAFFIC + "includeOutboundIPRanges"
INTERCEPTION = "sidecar.istio.io/interceptionMode"
PROXY_USER = 1337
_ANNOTATIONS = frozenset((EXCLUDED_PORTS, EXCLUDED_RANGES, INCLUDED_RANGES, INTERCEPTION))


@dataclass(frozen=True, slots=True)
class Bypass:
    """One setting that leads calls around the sidecar. goal: the destination; fact, fix: in words."""

    path: str
    goal: str
    fact: str
    fix: str
    certain: bool


def bypasses(picture: WorkloadPicture) -> Iterator[Bypass]:
    """Every such setting, for the first intended destination that it concerns."""
    pod = picture.pod
    noted = not _ANNOTATIONS.isdisjoint(pod.annotations)
    users = [one for one in pod.containers if _user(picture, one) == PROXY_USER and one.name != PROXY and not one.init]
    if not (noted or users) or not picture.has_sidecar or picture.injection.gateway:
        return
    meant = tuple(user for files in picture.intents for user in picture.groups[files])
    if not meant:
        return
    if users:
        yield _as_proxy(picture, users, meant[0])
    if noted:
        yield from _annotated(picture, meant)


def _user(picture: WorkloadPicture, container: Container) -> int | None:
    return picture.pod.run_as_user if container.run_as_user is None else container.run_as_user


def _as_proxy(picture: WorkloadPicture, users: list[Container], meant: Origination) -> Bypass:
    applications = [one for one in picture.pod.containers if one.name != PROXY and not one.init]
    fact = f"container {quote(users[0].name)} runs as user 1337, the sidecar's own"
    path = f"{users[0].path}.securityContext.runAsUser"
    return Bypass(path, meant.goal, fact, "run it as another user", len(users) == len(applications))


def _annotated(picture: WorkloadPicture, meant: tuple[Origination, ...]) -> Iterator[Bypass]:
    """The annotations that concern an intended destination, each once."""
    said = picture.pod.annotations
    if said.get(INTERCEPTION) == "NONE":
        fact = "NONE: nothing is redirected to the sidecar"
        path = annotation(picture.pod.path, INTERCEPTION)
        yield Bypass(path, meant[0].goal, fact, 'remove it, or write "REDIRECT"', certain=False)
        return
    for name, test in ((EXCLUDED_PORTS, _by_port), (EXCLUDED_RANGES, _by_range), (INCLUDED_RANGES, _outside)):
        if name in said:
            found = (test(picture, user) for user in meant)
            bypass = next((one for one in found if one is not None), None)
            if bypass is not None:
                yield bypass


def _by_port(picture: WorkloadPicture, user: Origination) -> Bypass | None:
    """certain: every port on which a plain call comes to the rule is excluded."""
    excluded = _ports(picture.pod.annotations[EXCLUDED_PORTS])
    entries = _entries(picture, user)
    hit = sorted(entries & excluded)
    if not hit:
        return None
    path = annotation(picture.pod.path, EXCLUDED_PORTS)
    return Bypass(path, user.goal, f"port {hit[0]} is excluded", f"remove {hit[0]} from it", entries <= excluded)


def _entries(picture: WorkloadPicture, user: Origination) -> set[int]:
    """The ports that plain calls use to come to the rule; the rule's own where none does."""
    host, number = user.service.host, user.port.number
    ends = (call for call in picture.reach.http_calls(host) if call.end is End.SERVICE and call.host == host)
    return {call.port.number for call in ends if call.number == number} or {number}


def _ports(written: str) -> set[int]:
    parts = (part.strip() for part in written.split(","))
    return {int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 6}


def _by_range(picture: WorkloadPicture, user: Origination) -> Bypass | None:
    """An excluded range that holds the service's addresses; all of them are certain to be in 0.0.0.0/0."""
    written = picture.pod.annotations[EXCLUDED_RANGES]
    path = annotation(picture.pod.path, EXCLUDED_RANGES)
    if "0.0.0.0/0" in written or written.strip() == "*":
        return Bypass(path, user.goal, f"{quote(written)} excludes every address", "remove it", certain=True)
    inside = [address for address in user.service.addresses if _inside(address, written)]
    if not inside:
        return None
    fact = f"{quote(written)} excludes {inside[0]}"
    return Bypass(path, user.goal, fact, f"take {inside[0]} out of it", len(inside) == len(user.service.addresses))


def _outside(picture: WorkloadPicture, user: Origination) -> Bypass | None:
    """Included ranges that leave the service out; of a host outside without known addresses this is a guess."""
    written = picture.pod.annotations[INCLUDED_RANGES].strip()
    if written == "*" or "0.0.0.0/0" in written or _included_by_port(picture, user):
        return None
    addresses = user.service.addresses
    if (addresses and any(_inside(one, written) for one in addresses)) or (not addresses and not user.service.external):
        return None
    fact = f"{quote(written)} redirects {'no address' if not written else 'these addresses only'}"
    path = annotation(picture.pod.path, INCLUDED_RANGES)
    return Bypass(path, user.goal, fact, f"remove it, or add {user.goal.rpartition(':')[0]}'s addresses", not written)


def _included_by_port(picture: WorkloadPicture, user: Origination) -> bool:
    """Whether a port is redirected whatever the address."""
    written = picture.pod.annotations.get(INCLUDED_PORTS, "")
    if not written:
        return False
    return written.strip() == "*" or _entries(picture, user) <= _ports(written)


def _inside(address: str, ranges: str) -> bool:
    try:
        here = ip_address(address.partition("/")[0])
        return any(here in ip_network(one.strip(), strict=False) for one in ranges.split(",") if one.strip())
    except ValueError:
        return False
