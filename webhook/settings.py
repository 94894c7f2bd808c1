"""What the server is told by flags and by `MTLS_GUARD_*` variables, read once into frozen Settings.

A flag wins over its variable. What the policy file says is left to `policy`, what the paths hold to whoever opens them.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from webhook.model.printable import cut

NotJudged = Literal["Admit", "Unavailable"]
"""Admitted with a warning, or HTTP 503, on which the failurePolicy of the webhook configuration decides."""


class BadSettings(ValueError):
    """A setting is missing or wrong; the text has a line for each: its name, its value and what is allowed."""


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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `serve` can be told. cluster: the folders and files of manifests that are the cluster; without
    any it is the one that we run in, or that `kubeconfig` names.

    certificate and key, or serving_secret with serving_dns: where the webhook's own certificate comes from. ca: the CA
    certificates that verify that certificate, which go into the CA bundles.
    installation: the name that all objects of the chart carry; with it the replicas elect a leader, who looks after
    the webhook configurations. not_judged, mutate_not_judged: what becomes of a review that cannot be judged in time.
    drain: seconds for which new connections are taken after SIGTERM. linger: seconds for
    which a connection is kept after its last answer then. connections, peer_connections: open at a time, in all and
    from one address. queue: reviews that wait for a thread.
    """

    cluster: tuple[Path, ...] | None
    certificate: Path | None
    key: Path | None
    ca: Path | None
    serving_secret: ObjectName | None
    serving_dns: tuple[str, ...] | None
    installation: ObjectName | None
    probe_namespace: str | None
    kubeconfig: Path | None
    istio_namespace: str
    stale_after: timedelta
    not_judged: NotJudged
    mutate_not_judged: NotJudged
    metrics: Address | None
    bind: Address
    drain: int
    linger: int
    connections: int
    peer_connections: int
    queue: int
    policy: Path | None
    log: Literal["json", "text"]
    workers: int
    threads: int


@dataclass(frozen=True, slots=True)
class _Setting:
    """How one setting is written and read. read: raises ValueError with what is allowed. default None: required."""

    name: str
    flag: str
    read: Callable[[str], Any]
    default: str | None
    needs: str = ""

    @property
    def required(self) -> bool:
        """Whether the server cannot start without it."""
        return self.default is None

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return f"MTLS_GUARD_{self.flag.upper().replace('-', '_')}"


def read_settings(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """The settings; flags by their name (`bind`, `cert`, ...), several paths of `cluster` joined by `os.pathsep`.

    Raises:
        BadSettings: with every fault at once.
    """
    found: dict[str, Any] = {}
    faults = []
    for setting in _SETTINGS:
        source, value = _given(setting, flags, environ)
        try:
            found[setting.name] = setting.read(_present(setting, value)) if value or setting.required else None
        except ValueError as error:
            faults.append(f'{source} "{cut(value, 80)}": expected {error}' if value else str(error))
    faults += [*_conflicts(found), *_too_many(found)]
    if faults:
        raise BadSettings("\n".join(faults))
    return Settings(**found)


def described() -> tuple["_Setting", ...]:
    """Every setting, in the order in which people look for them; for the documents."""
    return _SETTINGS


def _given(setting: _Setting, flags: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, str]:
    """Where the value comes from, for people, and the value; '' when nobody gave one."""
    if flags.get(setting.flag):
        return f"--{setting.flag}", flags[setting.flag]
    return setting.variable, environ.get(setting.variable, "") or setting.default or ""


def _present(setting: _Setting, value: str) -> str:
    """The value; a required one that is missing raises what to do."""
    if not value:
        raise ValueError(f"--{setting.flag} is missing: {setting.needs} (or set {setting.variable})")
    return value


def _conflicts(found: Mapping[str, Any]) -> list[str]:
    """What is missing or does not go together where the certificate comes from; nothing where a value was wrong."""
    if not found.keys() >= {"certificate", "key", "serving_secret", "serving_dns"}:
        return []
    files = {"cert": found["certificate"], "key": found["key"]}
    if found["serving_secret"] or found["serving_dns"]:
        fits = found["serving_secret"] and found["serving_dns"] and not any(files.values())
        return [] if fits else [_SECRET_NEEDS]
    absent = [name for name, path in files.items() if not path]
    return [f"--{name} is missing: {_FILES[name]} (or set MTLS_GUARD_{name.upper()})" for name in absent]


def _too_many(found: Mapping[str, Any]) -> list[str]:
    """Each process would have metrics of its own, and only one can have the address."""
    shared = found.get("metrics") and found.get("workers", 1) > 1
    return ["--metrics goes with one process: leave --workers at 1, and raise the number of replicas"] if shared else []


def _object_name(value: str) -> ObjectName:
    """`mtls-guard/mtls-guard-serving`."""
    namespace, slash, name = value.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise ValueError("NAMESPACE/NAME, as mtls-guard/mtls-guard-serving")
    return ObjectName(namespace, name)


def _words(value: str) -> tuple[str, ...]:
    """Words joined by commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _paths(value: str) -> tuple[Path, ...]:
    """Paths joined as in PATH."""
    return tuple(Path(part) for part in value.split(os.pathsep) if part)


def _address(value: str) -> Address:
    """`127.0.0.1:8443`, `[::1]:8443`, `:8443` for every address of the machine."""
    host, colon, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in bare and bare == host):
        raise ValueError("HOST:PORT with a port from 0 to 65535, as 127.0.0.1:8443, [::1]:8443 or :8443")
    return Address(bare or "0.0.0.0", int(port))  # noqa: S104  # as the person who wrote `:8443` asked for


def _not_judged(value: str) -> str:
    """What becomes of a review that cannot be judged."""
    if value not in ("Admit", "Unavailable"):
        raise ValueError("Admit or Unavailable")
    return value


def _form(value: str) -> str:
    """A form of log lines."""
    if value not in ("json", "text"):
        raise ValueError("json or text")
    return value


def _number(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between the two, both allowed."""

    def read(value: str) -> int:
        """The number."""
        if not value.isdecimal() or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return read


def _seconds(least: int, most: int) -> Callable[[str], timedelta]:
    """A reader of whole seconds between the two, both allowed."""
    read = _number(least, most)
    return lambda value: timedelta(seconds=read(value))


_SETTINGS = (
    _Setting("cluster", "cluster", _paths, ""),
    _Setting("certificate", "cert", Path, ""),
    _Setting("key", "key", Path, ""),
    _Setting("ca", "ca", Path, ""),
    _Setting("serving_secret", "serving-secret", _object_name, ""),
    _Setting("serving_dns", "serving-dns", _words, ""),
    _Setting("installation", "installation", _object_name, ""),
    _Setting("probe_namespace", "probe-namespace", str, ""),
    _Setting("kubeconfig", "kubeconfig", Path, ""),
    _Setting("istio_namespace", "istio-namespace", str, "istio-system"),
    _Setting("stale_after", "stale-after", _seconds(30, 3600), "120"),
    _Setting("not_judged", "not-judged", _not_judged, "Admit"),
    _Setting("mutate_not_judged", "mutate-not-judged", _not_judged, "Unavailable"),
    _Setting("metrics", "metrics", _address, ""),
    _Setting("bind", "bind", _address, "127.0.0.1:8443"),
    _Setting("policy", "policy", Path, ""),
    _Setting("log", "log", _form, "json"),
    _Setting("drain", "drain", _number(0, 600), "0"),
    _Setting("linger", "linger", _number(0, 600), "0"),
    _Setting("connections", "connections", _number(16, 65536), "4096"),
    _Setting("peer_connections", "peer-connections", _number(8, 65536), "1024"),
    _Setting("queue", "queue", _number(1, 65536), "256"),
    _Setting("workers", "workers", _number(1, 64), "1"),
    _Setting("threads", "threads", _number(1, 256), "4"),
)
_FILES = {
    "cert": "name the PEM file of the webhook's own certificate",
    "key": "name the PEM file of the private key of that certificate",
}
_SECRET_NEEDS = (
    "--serving-secret goes with --serving-dns, the names under which the API server calls us, "
    "and without --cert and --key"
)
