"""The hosts that a text names: what an application's variables, arguments and configuration say that it calls."""

import re
from collections.abc import Iterable

LONGEST = 16_384
"""Characters of one text that are searched; what applications call is configured in far shorter ones."""
MOST = 64
"""Hosts that are kept of one object."""
_HOST = re.compile(r"(?<![a-z0-9._-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,61}")


def hosts_in(texts: Iterable[str]) -> frozenset[str]:
    """The names with a dot in these texts that can be hosts, in lower case: `http://api.example.com/v1` has one."""
    hosts: dict[str, None] = {}
    for text in texts:
        for match in _HOST.finditer(text[:LONGEST].lower()) if "." in text else ():
            hosts[match.group().rstrip("-")] = None
            if len(hosts) >= MOST:
                return frozenset(hosts)
    return frozenset(hosts)
