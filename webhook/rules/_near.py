"""Which known host a host that nobody has was probably meant to be."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice

from webhook.istio.hosts import is_wildcard, matches
from webhook.trace.destination import DestinationPicture

LOOKED_AT = 200
"""How many hosts of about the same spelling are compared letter by letter."""


def meant_host(picture: DestinationPicture) -> str:
    """The host of a service in view that the rule's host was probably meant to be, '' if none is near."""
    host, services = picture.host, picture.config.services
    full = f"{host}.svc.{picture.view.mesh.cluster_domain}"
    if full in services:
        return full
    first = picture.rule.host
    if "." not in first:
        return next((one for one in services if one.startswith(f"{first}.")), "")
    wider = [one for one in services if is_wildcard(one) and matches(one, host)]
    if wider:
        return max(wider, key=len)
    longer = list(islice((one for one in services if one.endswith(f".{host}")), 2))
    if len(longer) == 1:
        return longer[0]
    near = get_close_matches(host, islice(_alike(host, services), LOOKED_AT), 1, 0.85)
    return near[0] if near else ""


def _alike(host: str, hosts: Iterable[str]) -> Iterator[str]:
    """Hosts of nearly the same length that begin or end alike, which costs little to tell."""
    for one in hosts:
        if abs(len(one) - len(host)) <= 3 and (one[:4] == host[:4] or one[-8:] == host[-8:]):
            yield one
