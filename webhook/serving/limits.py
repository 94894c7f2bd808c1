"""What clients may take of the server: connections, time and bytes."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Of one address.

    connections, per_peer: open at a time, in all and from one address. queue: requests that wait for a thread.
    body_bytes: what is kept of one body; of what goes beyond, four times as much is read before it is refused.
    bodies_bytes: bodies in memory at a time. Each deadline counts from the start of what it limits, so that a client
    that sends byte after byte does not move it. request_seconds: for a whole request. idle_seconds: longer than the
    90 s for which the API server keeps an idle connection, so that it never uses a connection that was just closed.

    Source: https://github.com/kubernetes/apimachinery/blob/v0.34.0/pkg/util/net/http.go (SetTransportDefaults, 90 s).
    """

    connections: int = 4096
    per_peer: int = 1024
    queue: int = 256
    line_bytes: int = 2048
    fields: int = 64
    field_bytes: int = 8190
    head_bytes: int = 32 * 1024
    body_bytes: int = 7 * MIB
    bodies_bytes: int = 64 * MIB
    handshake_seconds: float = 10.0
    head_seconds: float = 10.0
    body_seconds: float = 15.0
    request_seconds: float = 20.0
    answer_seconds: float = 20.0
    idle_seconds: float = 120.0
    closing_seconds: float = 2.0


SMALL = ConnectionLimits(connections=64, per_peer=32, queue=8, body_bytes=0, bodies_bytes=MIB)
"""For an address where nothing is posted."""
