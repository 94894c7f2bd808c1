"""Which known host a host that nobody has was probably meant to be; only hosts that the rule's namespace sees."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice

from webhook.istio.pilot.hosts import is_wildcard
from webhook.trace.destination import DestinationPicture

LOOKED_AT = 200
"""How many hosts of about the same spelling are compared letter by letter."""


def meant_host(picture: DestinationPicture) -> str:
    """The host of a service that the rule's host was probably meant to be, '' if none is near.

    A private host of another namespace is nobody's business there. A wildcard is never proposed: it would send the
    client certificate to every host that it covers.
    """
    return next((host for host in _candidates(picture) if _is_seen(picture, host)), "")


def _is_seen(picture: DestinationPicture, host: str) -> bool:
    """Whether the rule's namespace sees a service of that host."""
    services, mesh = picture.config.services, picture.view.mesh
    return bool(services.visible(host, picture.ref.namespace, mesh))


def _candidates(picture: DestinationPicture) -> Iterator[str]:
    """Hosts in view, those first that were more probably meant."""
    host, services = picture.host, picture.config.services
    full = f"{host}.svc.{picture.view.mesh.cluster_domain}"
    if full in services:
        yield full
    written_host = picture.rule.host
    if "." not in written_host:
        yield from (candidate for candidate in services if candidate.startswith(f"{written_host}."))
        return
    subdomains = (
        candidate
        for candidate in services
        if candidate.endswith(f".{host}") and not is_wildcard(candidate) and _is_seen(picture, candidate)
    )
    longer = list(islice(subdomains, 2))
    if len(longer) == 1:
        yield longer[0]
    alike = (
        candidate for candidate in _alike(host, services) if not is_wildcard(candidate) and _is_seen(picture, candidate)
    )
    yield from get_close_matches(host, islice(alike, LOOKED_AT), 1, 0.85)


def _alike(host: str, hosts: Iterable[str]) -> Iterator[str]:
    """Hosts of nearly the same length that begin or end alike, which costs little to tell."""
    for candidate in hosts:
        if abs(len(candidate) - len(host)) <= 3 and (candidate[:4] == host[:4] or candidate[-8:] == host[-8:]):
            yield candidate
