"""Who we are for which API server: the configuration of the kubernetes package, in a cluster or from a kubeconfig.

Reading kubeconfigs, running their exec plugins and re-reading the pod's token is the package's; renewing all of it
after the API server did not know us is ours, for the package re-reads neither a `tokenFile` nor a plugin's certificate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from ssl import SSLContext
from threading import Lock
from time import monotonic

from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url
from urllib3.util.proxy import connection_requires_http_tunnel

from webhook.kubeapi.errors import ClusterUnavailable
from webhook.kubeapi.lazy_import import kube_config, open_side_doors
from webhook.kubeapi.tls_verification import client_context

open_side_doors()  # before anything of the package is imported

from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.rest import RESTClientObject  # noqa: E402
from kubernetes.config.config_exception import ConfigException  # noqa: E402
from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: E402

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts a pod's token and the cluster's CA."""
_POOLED = 64
"""Connections kept open to the API server: one for each watch, the rest for reads."""
_TOKEN_SECONDS = 10.0
_BROKEN = (ConfigException, OSError, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True)
class PooledConnection:
    """A connection that stands, and the pool that it came from: after a renewal there is another one."""

    pool: HTTPConnectionPool
    connection: HTTPConnection

    @property
    def socket(self) -> socket:
        """What it consists of, TLS included."""
        found: socket = self.connection.sock
        return found

    def close(self) -> None:
        """Ends it."""
        self.connection.close()

    def give_back(self) -> None:
        """Has it kept for the next call; nothing is under way on it."""
        self.pool._put_conn(self.connection)  # noqa: SLF001


class ApiAccess:
    """A pool of connections, and the header that says who we are; safe to use from several threads.

    rest_seconds: the least time between two renewals.
    """

    rest_seconds = 10.0

    def __init__(self, load: Callable[[Configuration], None]) -> None:
        """load: fills a configuration. Raises ClusterUnavailable when it cannot."""
        self._load, self._lock = load, Lock()
        self._renewed, self._asked_until, self._authorization = monotonic(), 0.0, ""
        self._configuration, self._manager = self._made()
        self._connect()

    def _connect(self) -> None:
        """Connections to the one host that we ask, its name, and the path under which it serves its API (Rancher's)."""
        url = parse_url(self._configuration.host.rstrip("/"))
        self._pool: HTTPConnectionPool = self._manager.connection_from_url(url.url)
        self._tunnel = connection_requires_http_tunnel(self._pool.proxy, self._pool.proxy_config, url.scheme)
        forwarded = self._pool.proxy is not None and not self._tunnel
        self.host, self.prefix = url.netloc or "", (url.url if forwarded else url.path) or ""

    def dial(self, seconds: float) -> PooledConnection:
        """A connection that stands, kept from before or made now. seconds: for each step of that.

        The package's pool, without its requests: with them a read takes a tenth of a millisecond more.
        """
        pool = self._pool
        found: HTTPConnection = pool._get_conn()  # type: ignore[assignment]  # noqa: SLF001
        if found.is_closed:
            found.timeout = seconds
            try:
                if isinstance(found, HTTPSConnection):  # the CA is read again for each, as it may have been renewed
                    found.ssl_context, found.ca_certs = _verifying(self._configuration), None
                if self._tunnel:
                    pool._prepare_proxy(found)  # noqa: SLF001
                if found.is_closed:
                    found.connect()
            except BaseException:
                found.close()
                raise
        return PooledConnection(pool, found)

    def drop_connections(self) -> None:
        """Closes those that are idle; they must not be shared with processes that are forked."""
        self._manager.clear()
        self._connect()

    def authorization(self) -> str:
        """The header's value with a token that is fresh, '' where a client certificate says who we are.

        The package asks files, plugins and the environment each time; once in ten seconds is enough.
        """
        now = monotonic()
        if now >= self._asked_until:
            self._asked_until = now + _TOKEN_SECONDS
            try:
                self._authorization = self._configuration.get_api_key_with_prefix("BearerToken") or ""
            except _BROKEN as error:
                raise ClusterUnavailable(f"the credentials cannot be renewed: {error}") from error
        return self._authorization

    def renew(self) -> bool:
        """Loads everything anew, unless it was just done; whether it did."""
        with self._lock:
            if monotonic() - self._renewed < self.rest_seconds:
                return False
            self._renewed = monotonic()
            self._configuration, self._manager = self._made()
            self._connect()
            self._asked_until = 0.0
            return True

    def _made(self) -> tuple[Configuration, PoolManager]:
        configuration = Configuration(connection_pool_maxsize=_POOLED)
        configuration.keep_alive = True
        try:
            self._load(configuration)
            configuration.proxy_ssl_context = _verifying(configuration)
            return configuration, RESTClientObject(configuration).pool_manager
        except _BROKEN as error:
            raise ClusterUnavailable(f"no access to a cluster: {error}") from error


def _verifying(configuration: Configuration) -> SSLContext:
    """How the API server, and a proxy before it, is verified.

    Raises:
        ValueError: the CA is of no use, or what is to be verified is contradictory; kubectl refuses both, too.
    """
    file = configuration.ssl_ca_cert
    if file and not configuration.verify_ssl:
        raise ValueError("insecure-skip-tls-verify is set together with a certificate-authority; remove one of them")
    return client_context(Path(file).read_bytes() if file else None, verify=configuration.verify_ssl)


def in_cluster(folder: Path = SERVICE_ACCOUNT) -> ApiAccess:
    """Access as the pod's service account; its token is read again every minute.

    Raises:
        ClusterUnavailable: this is no pod, or it was given no token.
    """
    loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]
        token_filename=str(folder / "token"), cert_filename=str(folder / "ca.crt")
    )
    return ApiAccess(loader.load_and_set)


def from_kubeconfig(path: Path | None = None, context: str | None = None) -> ApiAccess:
    """Access as a kubeconfig says; without a path, as kubectl finds it (KUBECONFIG, ~/.kube/config).

    Raises:
        ClusterUnavailable: it cannot be read, or names no cluster.
    """
    module = kube_config()

    def load(configuration: Configuration) -> None:
        """Reads the file, never writes to it."""
        named = None if path is None else str(path)
        module.load_kube_config(named, context, client_configuration=configuration, persist_config=False)

    return ApiAccess(load)


def current_namespace(path: Path | None = None, context: str | None = None) -> str:
    """The namespace that kubectl would use: of the context, else `default`."""
    try:
        contexts, active = kube_config().list_kube_config_contexts(None if path is None else str(path))
    except _BROKEN as error:
        raise ClusterUnavailable(f"no access to a cluster: {error}") from error
    chosen = next((one for one in contexts if one["name"] == context), active) if context else active
    return str((chosen.get("context") or {}).get("namespace") or "default")
