"""Reads the values of settings; each reader raises ValueError with what is allowed."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens; port 0 lets the system choose a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ObjectName:
    """An object in a namespace, written `NAMESPACE/NAME`."""

    namespace: str
    name: str


def object_name(value: str) -> ObjectName:
    """`mtls-guard/mtls-guard-serving`."""
    namespace, slash, name = value.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise ValueError("NAMESPACE/NAME, as mtls-guard/mtls-guard-serving")
    return ObjectName(namespace, name)


def words(value: str) -> tuple[str, ...]:
    """Words joined by commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def paths(value: str) -> tuple[Path, ...]:
    """Paths joined as in PATH."""
    return tuple(Path(part) for part in value.split(os.pathsep) if part)


def address(value: str) -> Address:
    """`127.0.0.1:8443`, `[::1]:8443`, `:8443` for every address of the machine."""
    host, colon, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in bare and bare == host):
        raise ValueError("HOST:PORT with a port from 0 to 65535, as 127.0.0.1:8443, [::1]:8443 or :8443")
    return Address(bare or "0.0.0.0", int(port))  # noqa: S104  # as the person who wrote `:8443` asked for


def not_judged(value: str) -> str:
    """What becomes of a review that cannot be judged."""
    if value not in ("Admit", "Unavailable"):
        raise ValueError("Admit or Unavailable")
    return value


def log_form(value: str) -> str:
    """A form of log lines."""
    if value not in ("json", "text"):
        raise ValueError("json or text")
    return value


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between the two, both allowed."""

    def read(value: str) -> int:
        """The number."""
        if not value.isdecimal() or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return read


def seconds(least: int, most: int) -> Callable[[str], timedelta]:
    """A reader of whole seconds between the two, both allowed."""
    read = whole_number(least, most)
    return lambda value: timedelta(seconds=read(value))
