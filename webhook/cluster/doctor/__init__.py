"""Says of an installation whether it is healthy, link by link, with a remedy for each thing that is wrong.

Only looks: what it creates, it creates as a dry run. A handshake with what is served is made by whoever is handed in.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from webhook.cluster.connection import Connection
from webhook.cluster.doctor.clocks import check_clocks
from webhook.cluster.doctor.entries import check_entries
from webhook.cluster.doctor.replicas import check_replicas, deployment_of, missing
from webhook.cluster.doctor.rights import examine_rights
from webhook.cluster.doctor.words import Check, Handshake, Installation

__all__ = ["Check", "Handshake", "Installation", "examine", "examine_rights"]


def examine(
    connection: Connection, found: Installation, now: Callable[[], datetime], handshake: Handshake | None
) -> Iterator[Check]:
    """Every check, in the order in which a fault of one explains those after it; one where nothing is installed.

    Raises:
        ClusterUnavailable: the API server does not answer at all.
    """
    deployment = deployment_of(connection, found)
    if not deployment:
        yield missing(found)
        return
    yield from check_replicas(connection, found, deployment)
    yield from check_entries(connection, found, deployment, handshake)
    yield from check_clocks(connection, found, now)
