"""The table of settings: flags, environment variables, defaults, help and docs/settings.md are derived from it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webhook.settings.readers import address, log_form, not_judged, object_name, paths, seconds, whole_number, words


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: attribute of Settings, flag, reader, default as text ('' for none), metavar and help.

    read: raises ValueError with what is allowed. shown: the default in words, where the text says less.
    several: whether the flag may be given several times.
    """

    name: str
    flag: str
    read: Callable[[str], Any]
    default: str
    metavar: str
    help: str
    shown: str = ""
    several: bool = False

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return f"MTLS_GUARD_{self.flag.upper().replace('-', '_')}"

    @property
    def help_with_default(self) -> str:
        """The text of `--help`."""
        default = self.shown or self.default
        return f"{self.help}  [default: {default}]" if default else self.help


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "cluster",
        "cluster",
        paths,
        "",
        "PATH",
        "A file or folder of manifests that is the cluster, instead of a live one; may be given several times.",
        several=True,
    ),
    Setting(
        "certificate",
        "cert",
        Path,
        "",
        "FILE",
        "The webhook's own certificate (PEM); renewed files are taken up while serving.",
    ),
    Setting("key", "key", Path, "", "FILE", "Its private key (PEM, not encrypted)."),
    Setting(
        "ca",
        "ca",
        Path,
        "",
        "FILE",
        "CA certificates (PEM) that verify --cert; with --installation, they go into its webhook entries.",
    ),
    Setting(
        "serving_secret",
        "serving-secret",
        object_name,
        "",
        "NAMESPACE/NAME",
        "Instead of both: the Secret in which this webhook issues and renews them itself.",
    ),
    Setting(
        "serving_dns",
        "serving-dns",
        words,
        "",
        "NAMES",
        "Names under which the API server calls the webhook, joined by commas; for --serving-secret.",
    ),
    Setting(
        "installation",
        "installation",
        object_name,
        "",
        "NAMESPACE/NAME",
        "Name of the installed chart's objects; the replica that leads looks after its webhook entries.",
    ),
    Setting(
        "probe_namespace",
        "probe-namespace",
        str,
        "",
        "NAME",
        "Where a dry run shows that denials work.",
        shown="the namespace of --installation",
    ),
    Setting("kubeconfig", "kubeconfig", Path, "", "FILE", "How to reach the cluster.", shown="as a Pod in it"),
    Setting("istio_namespace", "istio-namespace", str, "istio-system", "NAME", "Where Istio's own ConfigMaps are."),
    Setting(
        "stale_after",
        "stale-after",
        seconds(30, 3600),
        "120",
        "SECONDS",
        "Seconds without news from the API server after which nothing is denied.",
    ),
    Setting(
        "not_judged",
        "not-judged",
        not_judged,
        "Admit",
        "WHAT",
        "What becomes of a review that cannot be judged: Admit or Unavailable.",
    ),
    Setting("mutate_not_judged", "mutate-not-judged", not_judged, "Unavailable", "WHAT", "The same, for injection."),
    Setting(
        "metrics",
        "metrics",
        address,
        "",
        "HOST:PORT",
        "HOST:PORT to serve metrics on, over plain HTTP.",
        shown="nowhere",
    ),
    Setting("bind", "bind", address, "127.0.0.1:8443", "HOST:PORT", "HOST:PORT to listen on; port 0 takes a free one."),
    Setting(
        "policy",
        "policy",
        Path,
        "",
        "FILE",
        "Severities per rule, expiry thresholds and further workload kinds, as YAML.",
    ),
    Setting("log", "log", log_form, "json", "FORM", "json or text.", shown="text on a terminal, else json"),
    Setting(
        "drain",
        "drain",
        whole_number(0, 600),
        "0",
        "SECONDS",
        "Seconds for which new connections are taken after SIGTERM.",
    ),
    Setting(
        "linger",
        "linger",
        whole_number(0, 600),
        "0",
        "SECONDS",
        "Seconds for which a connection is kept after its last answer when the server ends.",
    ),
    Setting(
        "connections",
        "connections",
        whole_number(16, 65536),
        "4096",
        "N",
        "Connections that may be open at a time in each process.",
    ),
    Setting(
        "peer_connections",
        "peer-connections",
        whole_number(8, 65536),
        "1024",
        "N",
        "Those of them that may come from one address.",
    ),
    Setting(
        "queue",
        "queue",
        whole_number(1, 65536),
        "256",
        "N",
        "Reviews that may wait for a thread; further ones get status 429.",
    ),
    Setting("workers", "workers", whole_number(1, 64), "1", "N", "Processes, each with the whole cluster in memory."),
    Setting("threads", "threads", whole_number(1, 256), "4", "N", "Reviews under way at a time in each process."),
)

BY_FLAG = {setting.flag: setting for setting in SETTINGS}
