"""Free ports that stay ours between two starts of one server."""

import random
import socket
from contextlib import suppress

RANGE = range(20000, 32000)
"""Below the ports that the kernel gives to connections (32768 on), so that none of those takes one meanwhile."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(RANGE)  # noqa: S311  # no secret
        with suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port
