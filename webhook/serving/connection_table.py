"""The open connections of an address: how many there are in each state, and which is closed to make room for another.

A connection without a handshake is closed first, then one that never carried a request, each the oldest of its state.
One that carried a request is never closed for another: its client may use it again at this moment, and Go repeats no
POST of which bytes were written. It is retired by an answer that says so, as soon as there is little room left.
"""

from collections import defaultdict
from collections.abc import Iterator
from time import perf_counter

from webhook.serving.connection import ClientConnection, ConnectionState
from webhook.serving.limits import ConnectionLimits

_CROWDED = 0.8
"""From this share of a limit on, each answer is the last on its connection, so that the rest can always be freed."""
_FREED = (ConnectionState.HANDSHAKE, ConnectionState.IDLE)
"""States of connections that may be closed for others, in this order."""
_TRIED = 16
"""How many candidates are looked at, when the first ones have bytes to be read."""


class _Peer:
    """The connections of one address."""

    __slots__ = ("count", "freed")

    def __init__(self) -> None:
        self.count = 0
        self.freed: dict[ConnectionState, dict[ClientConnection, None]] = {state: {} for state in _FREED}


class ConnectionTable:
    """All of them; in each state the one that has been in it for longest comes first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._states: dict[ConnectionState, dict[ClientConnection, None]] = {state: {} for state in ConnectionState}
        self._peers: defaultdict[str, _Peer] = defaultdict(_Peer)
        self._count = 0

    def __len__(self) -> int:
        """How many are open."""
        return self._count

    def __iter__(self) -> Iterator[ClientConnection]:
        """Each of them."""
        return (connection for state in ConnectionState for connection in tuple(self._states[state]))

    def of(self, state: ConnectionState) -> tuple[ClientConnection, ...]:
        """Those in the state, the oldest first."""
        return tuple(self._states[state])

    def counts(self) -> dict[str, int]:
        """How many there are in each state."""
        return {str(state): len(connections) for state, connections in self._states.items()}

    def add(self, connection: ClientConnection) -> None:
        """One more."""
        self._count += 1
        self._peers[connection.peer].count += 1
        self._enter(connection, connection.state)

    def move(self, connection: ClientConnection, state: ConnectionState) -> None:
        """It is in another state from now on."""
        self._leave(connection)
        connection.since = perf_counter()
        self._enter(connection, state)

    def remove(self, connection: ClientConnection) -> None:
        """It is closed."""
        self._leave(connection)
        self._count -= 1
        peer = self._peers[connection.peer]
        peer.count -= 1
        if not peer.count:
            del self._peers[connection.peer]

    def full(self) -> bool:
        """Whether there is no room for another."""
        return self._count >= self._limits.connections

    def full_of(self, peer: str) -> bool:
        """Whether there is no room for another of the address."""
        return peer in self._peers and self._peers[peer].count >= self._limits.per_peer

    def crowded(self, peer: str) -> bool:
        """Whether there is so little room that connections are retired."""
        limit = self._limits.per_peer * _CROWDED
        connections = self._peers.get(peer)
        return self._count > self._limits.connections * _CROWDED or (
            connections is not None and connections.count > limit
        )

    def spare(self, peer: str | None = None) -> ClientConnection | None:
        """Which one to close for another, if any. peer: of this address."""
        if peer is not None and peer not in self._peers:
            return None
        states = self._states if peer is None else self._peers[peer].freed
        for state in _FREED:
            for _, connection in zip(range(_TRIED), states[state], strict=False):
                if not connection.unread():
                    return connection
        return None

    def _enter(self, connection: ClientConnection, state: ConnectionState) -> None:
        connection.state = state
        self._states[state][connection] = None
        if state in _FREED:
            self._peers[connection.peer].freed[state][connection] = None

    def _leave(self, connection: ClientConnection) -> None:
        del self._states[connection.state][connection]
        if connection.state in _FREED:
            del self._peers[connection.peer].freed[connection.state][connection]
