"""The API server's certificate is verified as client-go does it, whatever made the CA, on every version of Python."""

import base64
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from certs.cluster_authority import SHAPES, Pair, Shape, constraints, key_usage
from certs.encode import cert_pem, crl_pem, key_pem
from certs.issue import CLIENT, SERVER, Dates, Issued, Profile, make_ca, make_crl, make_leaf
from rig.parts import have
from tools.chart import CHART
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig, in_cluster
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable
from webhook.kubeapi.resource import NAMESPACES
from webhook.kubeapi.tls_verification import client_context
from webhook.serving.handshake import handshake

TOP = Path(__file__).parent.parent
NOW = datetime.now(UTC)
DATES = Dates.around(NOW)
NAMES = ("localhost", "127.0.0.1")
OTHER = make_ca(DATES)
DENIAL = b'{"message": "admission webhook \\"workloads.mtls-guard.io\\" denied the request: so it is"}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        denied = self.command == "POST"
        body = DENIAL if denied else b"{}"
        self.send_response(403 if denied else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  # as the base class calls them


@contextmanager
def api_server(shown: Issued, folder: Path) -> Iterator[int]:
    """A server with this certificate, and the port on which it answers."""
    certificate, key = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(cert_pem(*shown.chain) or cert_pem(shown))
    key.write_bytes(key_pem(shown))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that trusts nobody is no news."""


def kubeconfig(folder: Path, port: int, cluster: Mapping[str, Any], host: str = "localhost") -> Path:
    """A kubeconfig with these fields of a cluster."""
    path = folder / "config"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"https://{host}:{port}", **cluster}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_bytes(orjson.dumps(content))
    return path


def trusting(*pem: bytes) -> dict[str, str]:
    """The field of a cluster that names these certificates."""
    return {"certificate-authority-data": base64.b64encode(b"".join(pem)).decode()}


def asked(path: Path) -> str:
    """What comes of a question: '' for an answer."""
    try:
        ApiClient(from_kubeconfig(path)).get(NAMESPACES, "", "devel")
    except ClusterError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def pair(request: pytest.FixtureRequest) -> Pair:
    """What one of the tools makes."""
    return SHAPES[request.param].issue(DATES, NAMES)


def test_a_kubeconfig_with_a_ca_of_any_tool_is_enough(pair: Pair, tmp_path: Path) -> None:
    with api_server(pair.server, tmp_path) as port:
        for host in NAMES:
            assert asked(kubeconfig(tmp_path, port, trusting(cert_pem(pair.ca)), host)) == ""
        refused = asked(kubeconfig(tmp_path, port, trusting(cert_pem(OTHER))))
    said = "GET /api/v1/namespaces/devel: the certificate of the API server is not trusted: "
    assert refused.startswith(said)


def test_a_pod_with_a_ca_of_any_tool_is_let_in(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_bytes(cert_pem(pair.ca))
    with api_server(pair.server, tmp_path) as port:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
        assert ApiClient(in_cluster(tmp_path)).get(NAMESPACES, "", "devel") == {}


def test_helm_test_accepts_a_ca_of_any_tool(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_bytes(cert_pem(pair.ca))
    script = (CHART / "files" / "denied.py").read_text(encoding="utf-8")
    assert script.count('"/var/run/secrets/kubernetes.io/serviceaccount"') == 1
    script = script.replace("/var/run/secrets/kubernetes.io/serviceaccount", str(tmp_path))
    with api_server(pair.server, tmp_path) as port:
        environ = {**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
        ran = subprocess.run(
            [sys.executable, "-c", script, "devel"], env=environ, capture_output=True, text=True, check=False
        )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("denied, as it should be:\n")


def test_doctor_verifies_what_is_served_as_the_api_server_does(pair: Pair, tmp_path: Path) -> None:
    with api_server(pair.server, tmp_path) as port:
        here = ("127.0.0.1", port)
        assert handshake(here, "localhost", client_context(cert_pem(pair.ca))) == ""
        assert handshake(here, "localhost", client_context(cert_pem(OTHER))) != ""


@pytest.mark.parametrize("shape", ["OpenSSL 1.1.1", "OpenSSL 3.0", "a CA without a name"])
def test_the_flag_that_python_3_13_sets_would_refuse_the_ca(shape: str, tmp_path: Path) -> None:
    """So that the tests above prove something on every version."""
    pair = SHAPES[shape].issue(DATES, NAMES)
    strict = client_context(cert_pem(pair.ca))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    with api_server(pair.server, tmp_path) as port:
        assert handshake(("127.0.0.1", port), "localhost", strict) != ""


# ------------------------------------------------------------ what kubectl makes of the same


@dataclass(frozen=True, slots=True)
class Case:
    """A server, what a kubeconfig says of its cluster, and whether client-go accepts it."""

    server: Issued
    cluster: Mapping[str, Any]
    accepted: bool
    host: str = "localhost"


CA = make_ca(DATES)
GOOD = Profile("kube-apiserver", usages=(SERVER,), hosts=NAMES)
INTERMEDIATE = make_ca(DATES, Profile("issuing", usages=None, is_ca=True), issuer=CA)
CHAINED = make_leaf(INTERMEDIATE, DATES, GOOD)
PLAIN = make_leaf(CA, DATES, GOOD)
SELF_SIGNED = make_leaf(None, DATES, GOOD)
PAST = Dates(DATES.start.replace(year=DATES.start.year - 2), DATES.start)
KUBEADM = SHAPES["kubeadm"]
TRUSTED = trusting(cert_pem(CA))
GARBAGE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def _plain(**changes: Any) -> Issued:
    return make_leaf(CA, DATES, replace(GOOD, **changes))


def _shaped(shape: Shape) -> tuple[Issued, Mapping[str, Any]]:
    pair = shape.issue(DATES, NAMES)
    return pair.server, trusting(cert_pem(pair.ca))


CASES: Mapping[str, Case] = {
    "the name is in the subject only": Case(_plain(name="localhost", hosts=()), TRUSTED, accepted=False),
    "another name": Case(_plain(hosts=("other.example",)), TRUSTED, accepted=False),
    "an address that only a DNS name says": Case(
        _plain(hosts=("localhost",)), TRUSTED, accepted=False, host="127.0.0.1"
    ),
    "another name, and tls-server-name": Case(
        _plain(hosts=("other.example",)), {**TRUSTED, "tls-server-name": "other.example"}, accepted=True
    ),
    "a tls-server-name that it has not": Case(PLAIN, {**TRUSTED, "tls-server-name": "other.example"}, accepted=False),
    "a wildcard": Case(_plain(hosts=("*.a.example",)), {**TRUSTED, "tls-server-name": "api.a.example"}, accepted=True),
    "a wildcard for two labels": Case(
        _plain(hosts=("*.a.example",)), {**TRUSTED, "tls-server-name": "b.api.a.example"}, accepted=False
    ),
    "insecure-skip-tls-verify": Case(
        make_leaf(None, DATES, replace(GOOD, hosts=())),
        {"insecure-skip-tls-verify": True},
        accepted=True,
    ),
    "insecure-skip-tls-verify with a CA": Case(PLAIN, {**TRUSTED, "insecure-skip-tls-verify": True}, accepted=False),
    "no CA": Case(PLAIN, {}, accepted=False),
    "expired": Case(make_leaf(CA, PAST, GOOD), TRUSTED, accepted=False),
    "a certificate for clients": Case(_plain(usages=(CLIENT,)), TRUSTED, accepted=False),
    "the intermediate is sent": Case(CHAINED, TRUSTED, accepted=True),
    "the intermediate is not sent": Case(replace(CHAINED, issuer=None), TRUSTED, accepted=False),
    "the intermediate alone is trusted": Case(
        replace(CHAINED, issuer=None), trusting(cert_pem(INTERMEDIATE)), accepted=True
    ),
    "the server's own certificate is trusted": Case(SELF_SIGNED, trusting(cert_pem(SELF_SIGNED)), accepted=True),
    "an issuer that is no CA": Case(*_shaped(replace(KUBEADM, ca=(constraints(is_ca=False),))), accepted=False),
    "an issuer whose keyUsage does not sign": Case(
        *_shaped(replace(KUBEADM, ca=(constraints(is_ca=True), key_usage("crl_sign")))), accepted=False
    ),
    "a path of length 0": Case(*_shaped(replace(KUBEADM, ca=(constraints(is_ca=True, path_length=0),))), accepted=True),
    "two CAs, the second one": Case(PLAIN, trusting(cert_pem(OTHER), cert_pem(CA)), accepted=True),
    "text around the CA": Case(PLAIN, trusting(b"# the CA\n", cert_pem(CA), b"\nend\n"), accepted=True),
    "a block that is no certificate before the CA": Case(PLAIN, trusting(GARBAGE, cert_pem(CA)), accepted=True),
    "a private key before the CA": Case(PLAIN, trusting(key_pem(OTHER), cert_pem(CA)), accepted=True),
    "a revocation list of the CA": Case(PLAIN, trusting(cert_pem(CA), crl_pem(make_crl(CA, PAST))), accepted=True),
    "a CA that holds no certificate": Case(PLAIN, trusting(b"nothing"), accepted=False),
    "a CA that holds a damaged certificate only": Case(PLAIN, trusting(GARBAGE), accepted=False),
    "an empty CA": Case(PLAIN, {"certificate-authority-data": ""}, accepted=False),
    **{name: Case(*_shaped(shape), accepted=True) for name, shape in SHAPES.items()},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_accepted(case: Case, tmp_path: Path) -> None:
    with api_server(case.server, tmp_path) as port:
        path = kubeconfig(tmp_path, port, case.cluster, case.host)
        refused = asked(path)
    assert (refused == "") is case.accepted, refused


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_kubectl_accepts_the_same(case: Case, tmp_path: Path) -> None:
    with api_server(case.server, tmp_path) as port:
        path = kubeconfig(tmp_path, port, case.cluster, case.host)
        ran = subprocess.run(
            [have("kubectl"), "--kubeconfig", path, "get", "--raw", "/api"],
            env={**os.environ, "NO_PROXY": "localhost,127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode == 0) is case.accepted, ran.stderr


def test_renewed_ca_counts_from_next_connection(tmp_path: Path) -> None:
    """As the kubelet renews ca.crt of a Pod: nothing has to be started again."""
    authority = tmp_path / "ca.crt"
    authority.write_bytes(cert_pem(OTHER))
    with api_server(PLAIN, tmp_path) as port:
        access = from_kubeconfig(kubeconfig(tmp_path, port, {"certificate-authority": str(authority)}))
        connection = ApiClient(access)
        with pytest.raises(ClusterUnavailable, match="is not trusted"):
            connection.get(NAMESPACES, "", "devel")
        authority.write_bytes(cert_pem(OTHER, CA))
        assert connection.get(NAMESPACES, "", "devel") == {}


def test_what_is_wrong_with_a_kubeconfig_is_said(tmp_path: Path) -> None:
    contradiction = "insecure-skip-tls-verify is set together with a certificate-authority; remove one of them"
    for cluster, said in (
        (trusting(b"nothing"), "no access to a cluster: the CA bundle holds no certificate (PEM)"),
        ({**TRUSTED, "insecure-skip-tls-verify": True}, f"no access to a cluster: {contradiction}"),
    ):
        with pytest.raises(ClusterUnavailable) as raised:
            from_kubeconfig(kubeconfig(tmp_path, 1, cluster))
        assert str(raised.value) == said


def test_python_defaults_are_never_used_for_verification() -> None:
    """create_default_context sets VERIFY_X509_STRICT from 3.13 on, and so does urllib3 where it makes the context."""
    sources = {path: path.read_text(encoding="utf-8") for path in (TOP / "webhook").rglob("*.py")}
    assert [path for path, source in sources.items() if "create_default_context" in source] == []
    contexts = {str(path.relative_to(TOP)) for path, source in sources.items() if "PROTOCOL_TLS_CLIENT" in source}
    assert contexts == {"webhook/kubeapi/tls_verification.py", "webhook/serving/certificate_check.py"}
