"""A DestinationRule has at most one entry per port in `portLevelSettings`.

## Why

Of two entries for one port, Istio uses only the first one. If only the second entry names the client certificate, it is
never presented.

## Fix

Put all settings of the port into one entry.

## Source

pilot/pkg/networking/util/util.go, `GetPortLevelTrafficPolicy` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.mesh import PortPolicy
from webhook.model.rule import RuleMetadata
from webhook.rules._ports import for_client, policies
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per entry that repeats a port; in doubt where the first has a client certificate, too."""
    if not picture.client_settings:
        return
    for policy in policies(picture):
        by_number: dict[int, PortPolicy] = {}
        for entry in policy.ports:
            earlier = by_number.setdefault(entry.number, entry) if entry.number is not None else entry
            if earlier is not entry and (for_client(entry) or for_client(earlier)):
                yield Violation(
                    picture.ref,
                    f"{entry.path}.port.number",
                    f"{entry.number} has an entry before this one ({earlier.path}), and only the first counts",
                    "put all settings of the port into one entry",
                    certain=for_client(entry) and not for_client(earlier),
                )


RULE = RuleMetadata(
    title="A DestinationRule has two entries for one port",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
