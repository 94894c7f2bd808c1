"""How many entries of a list in an object are read, and what of an object was left out for it.

An object of 3 MB holds 100,000 entries, and each may be compared with others: without a limit a single review would
take minutes. What is left out is told (`left_out`), and denies nobody.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from webhook.model.raw_object import sequence

ENTRIES = 250
"""Of a list of objects: volumes, mounts, containers, subsets, ports, routes."""
NAMES = 1000
"""Of a list of strings: hosts, namespaces."""
_LEVELS = 20
"""Of nesting that are looked at; a list that a reader reads has 10 objects above it at most."""
_TOLD = 5
"""Lists that are named, at most."""
_OF_PODS = ("containers", "initContainers", "volumes", "volumeMounts", "items", "sources")
_OF_ISTIO = ("subsets", "portLevelSettings", "http", "tls", "tcp", "match", "route", "mirrors", "ports", "egress")
_OBJECTS = frozenset((*_OF_PODS, *_OF_ISTIO))
_NAMES = frozenset(("env", "exportTo", "hosts", "gateways", "addresses", "subjectAltNames"))
"""The lists that a reader reads."""


def entries(value: object) -> Sequence[Any]:
    """The entries of a list that are read."""
    listed = sequence(value)
    return listed if len(listed) <= ENTRIES else listed[:ENTRIES]


def names(value: object) -> tuple[str, ...]:
    """The strings of a list that are read."""
    listed = sequence(value)
    return tuple(item for item in listed[:NAMES] if isinstance(item, str)) if listed else ()


def variables(value: object) -> Sequence[Any]:
    """The entries of `env` that are read."""
    return sequence(value)[:NAMES]


def left_out(value: object, path: str) -> tuple[str, ...]:
    """The lists in a part of an object that are longer than what is read of them, in words."""
    return tuple(islice(_longer(value, path, _LEVELS), _TOLD))


def _longer(value: object, path: str, levels: int) -> Iterator[str]:
    for key, part in value.items() if isinstance(value, dict) and levels else ():
        if isinstance(part, dict):
            yield from _longer(part, f"{path}.{key}", levels - 1)
        elif isinstance(part, list) and (most := ENTRIES if key in _OBJECTS else NAMES if key in _NAMES else 0):
            if len(part) > most:
                yield cut_short(f"{path}.{key}", len(part), most)
            for index, entry in enumerate(part[:most]):
                if isinstance(entry, dict):
                    yield from _longer(entry, f"{path}.{key}[{index}]", levels - 1)


def cut_short(path: str, count: int, most: int) -> str:
    """Says that a list is evaluated up to there."""
    return f"{path} has {count} entries, of which the first {most} are evaluated"
