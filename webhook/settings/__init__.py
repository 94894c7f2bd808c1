"""What the server is told by flags and by `MTLS_GUARD_*` variables, read once into frozen Settings.

A flag wins over its variable. What the policy file says is left to `policy`, what the paths hold to whoever opens them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from webhook.model.printable import cut
from webhook.settings.readers import Address, ObjectName
from webhook.settings.table import SETTINGS, Setting

__all__ = ["Address", "BadSettings", "NotJudged", "ObjectName", "Settings", "read_settings"]

NotJudged = Literal["Admit", "Unavailable"]
"""Admitted with a warning, or HTTP 503, on which the failurePolicy of the webhook configuration decides."""


class BadSettings(ValueError):
    """A setting is missing or wrong; the text has a line for each: its name, its value and what is allowed."""


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


def read_settings(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """The settings; flags by their name (`bind`, `cert`, ...), several paths of `cluster` joined by `os.pathsep`.

    Raises:
        BadSettings: with every fault at once.
    """
    found: dict[str, Any] = {}
    faults = []
    for setting in SETTINGS:
        source, value = _given(setting, flags, environ)
        try:
            found[setting.name] = setting.read(value) if value else None
        except ValueError as error:
            faults.append(f'{source} "{cut(value, 80)}": expected {error}')
    faults += [*_conflicts(found), *_too_many(found)]
    if faults:
        raise BadSettings("\n".join(faults))
    return Settings(**found)


def _given(setting: Setting, flags: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, str]:
    """Where the value comes from, for people, and the value; '' when nobody gave one."""
    if flags.get(setting.flag):
        return f"--{setting.flag}", flags[setting.flag]
    return setting.variable, environ.get(setting.variable, "") or setting.default


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


_FILES = {
    "cert": "name the PEM file of the webhook's own certificate",
    "key": "name the PEM file of the private key of that certificate",
}
_SECRET_NEEDS = (
    "--serving-secret goes with --serving-dns, the names under which the API server calls us, "
    "and without --cert and --key"
)
