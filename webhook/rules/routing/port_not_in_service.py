"""Each `portLevelSettings` entry of a DestinationRule names a port of the service.

## Why

`portLevelSettings[].port.number` is the port that the application calls, as listed in the Service or ServiceEntry, and
not its `targetPort`. An entry for any other number is never used: its TLS settings have no effect, and calls leave as
plain text.

## Fix

Write a port number of the service.

## Source

pilot/pkg/networking/util/util.go, `GetPortLevelTrafficPolicy` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.mesh import PortPolicy
from webhook.model.rule import RuleMetadata
from webhook.rules._ports import for_client, policies, service_ports
from webhook.rules._reads import ROUTING
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per entry for an unknown port.

    In doubt where the rule works on other ports, or arrives while only other namespaces have a service of its host.
    """
    if not picture.client_settings or not picture.services or picture.services[0].external_name:
        return
    ports = service_ports(picture)
    for policy in policies(picture):
        for entry in policy.ports:
            if for_client(entry) and entry.number is not None and entry.number not in ports:
                yield _unknown(picture, entry, ports)


def _unknown(picture: DestinationPicture, entry: PortPolicy, ports: frozenset[int]) -> Violation:
    service = picture.services[0]
    service_ports = (port for candidate in picture.services for port in candidate.ports)
    behind = next((port.number for port in service_ports if port.target == entry.number), None)
    listed = ", ".join(str(number) for number in sorted(ports)) or "no port"
    is_target = f"the targetPort behind port {behind}" if behind else f"no port of {service.ref}, which has {listed}"
    return Violation(
        picture.ref,
        f"{entry.path}.port.number",
        f"{entry.number} is {is_target}, so this tls is never used",
        f"write {behind}" if behind else "write a port of the service, or add this one to it",
        certain=not picture.used and not all(picture.may_follow(candidate.ref) for candidate in picture.services),
    )


RULE = RuleMetadata(
    title="A portLevelSettings entry names a port that the service does not have",
    severity=Severity.DENY,
    about="destination",
    reads=ROUTING,
)
