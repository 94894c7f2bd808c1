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
    annotated = not _ANNOTATIONS.isdisjoint(pod.annotations)
    users = [
        container
        for container in pod.containers
        if _user(picture, container) == PROXY_USER and container.name != PROXY and not container.init
    ]
    if not (annotated or users) or not picture.has_sidecar or picture.injection.gateway:
        return
    meant = tuple(user for files in picture.intents for user in picture.groups[files])
    if not meant:
        return
    if users:
        yield _as_proxy(picture, users, meant[0])
    if annotated:
        yield from _annotated(picture, meant)


def _user(picture: WorkloadPicture, container: Container) -> int | None:
    return picture.pod.run_as_user if container.run_as_user is None else container.run_as_user


def _as_proxy(picture: WorkloadPicture, users: list[Container], meant: Origination) -> Bypass:
    applications = [container for container in picture.pod.containers if container.name != PROXY and not container.init]
    fact = f"container {quote(users[0].name)} runs as user 1337, the sidecar's own"
    path = f"{users[0].path}.securityContext.runAsUser"
    return Bypass(path, meant.goal, fact, "run it as another user", len(users) == len(applications))


def _annotated(picture: WorkloadPicture, meant: tuple[Origination, ...]) -> Iterator[Bypass]:
    """The annotations that concern an intended destination, each once."""
    annotations = picture.pod.annotations
    if annotations.get(INTERCEPTION) == "NONE":
        fact = "NONE: nothing is redirected to the sidecar"
        path = annotation(picture.pod.path, INTERCEPTION)
        yield Bypass(path, meant[0].goal, fact, 'remove it, or write "REDIRECT"', certain=False)
        return
    for name, test in ((EXCLUDED_PORTS, _by_port), (EXCLUDED_RANGES, _by_range), (INCLUDED_RANGES, _outside)):
        if name in annotations:
            results = (test(picture, user) for user in meant)
            bypass = next((result for result in results if result is not None), None)
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


def _ports(port_list: str) -> set[int]:
    parts = (part.strip() for part in port_list.split(","))
    return {int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 6}


def _by_range(picture: WorkloadPicture, user: Origination) -> Bypass | None:
    """An excluded range that holds the service's addresses; all of them are certain to be in 0.0.0.0/0."""
    ranges = picture.pod.annotations[EXCLUDED_RANGES]
    path = annotation(picture.pod.path, EXCLUDED_RANGES)
    if "0.0.0.0/0" in ranges or ranges.strip() == "*":
        return Bypass(path, user.goal, f"{quote(ranges)} excludes every address", "remove it", certain=True)
    inside = [address for address in user.service.addresses if _inside(address, ranges)]
    if not inside:
        return None
    fact = f"{quote(ranges)} excludes {inside[0]}"
    return Bypass(path, user.goal, fact, f"take {inside[0]} out of it", len(inside) == len(user.service.addresses))


def _outside(picture: WorkloadPicture, user: Origination) -> Bypass | None:
    """Included ranges that leave the service out; of a host outside without known addresses this is a guess."""
    ranges = picture.pod.annotations[INCLUDED_RANGES].strip()
    if ranges == "*" or "0.0.0.0/0" in ranges or _included_by_port(picture, user):
        return None
    addresses = user.service.addresses
    if (addresses and any(_inside(address, ranges) for address in addresses)) or (
        not addresses and not user.service.external
    ):
        return None
    fact = f"{quote(ranges)} redirects {'no address' if not ranges else 'these addresses only'}"
    path = annotation(picture.pod.path, INCLUDED_RANGES)
    return Bypass(path, user.goal, fact, f"remove it, or add {user.goal.rpartition(':')[0]}'s addresses", not ranges)


def _included_by_port(picture: WorkloadPicture, user: Origination) -> bool:
    """Whether a port is redirected whatever the address."""
    included = picture.pod.annotations.get(INCLUDED_PORTS, "")
    if not included:
        return False
    return included.strip() == "*" or _entries(picture, user) <= _ports(included)


def _inside(address: str, ranges: str) -> bool:
    try:
        ip = ip_address(address.partition("/")[0])
        return any(ip in ip_network(cidr.strip(), strict=False) for cidr in ranges.split(",") if cidr.strip())
    except ValueError:
        return False
