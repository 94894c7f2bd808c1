"""What rules about a DestinationRule's ports and hosts share: which policies it has, and where calls end without it."""

from collections.abc import Iterator

from webhook.istio.pilot.route_resolution import Call
from webhook.model.mesh import PortPolicy, TrafficPolicy
from webhook.trace.destination import DestinationPicture, about_client


def policies(picture: DestinationPicture) -> Iterator[TrafficPolicy]:
    """The rule's top-level policy and those of its subsets, the ones that there are."""
    rule = picture.rule
    yield from (policy for policy in (rule.policy, *(subset.policy for subset in rule.subsets)) if policy is not None)


def for_client(entry: PortPolicy) -> bool:
    """Whether the port entry is about a client certificate."""
    return entry.tls is not None and about_client(entry.tls)


def service_ports(picture: DestinationPicture) -> frozenset[int]:
    """The ports of every service that the host names."""
    return frozenset(port.number for service in picture.services for port in service.ports)


def ends_at(picture: DestinationPicture, number: int) -> Call | None:
    """A call that ends at this service port of the rule's hosts, None if none does."""
    return next((call for call in picture.calls if call.number == number), None)


def in_vain(picture: DestinationPicture) -> bool:
    """Whether the rule presents a client certificate on some port or subset, and no call ends there."""
    return bool(picture.presenting) and not picture.used
