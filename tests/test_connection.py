"""Asks a server of our own over HTTP: what comes back for each kind of answer, and for none."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from webhook.kubeapi.client import JSON_PATCH, ApiClient, ApiRequest, RequestBody
from webhook.kubeapi.credentials import from_kubeconfig, in_cluster
from webhook.kubeapi.errors import ClusterError, ClusterUnavailable, Conflict, Forbidden, Gone, NotFound, Rejected
from webhook.kubeapi.resource import NAMESPACES, SECRETS, Resource

RULES = Resource("networking.istio.io", "v1", "destinationrules", "DestinationRule")


class Server(ThreadingHTTPServer):
    """Answers what `replies` says for a path, and notes what it was asked. heard: told of each path beforehand."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.lines: list[bytes] = []
        self.token = "first"
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.silent = threading.Event()
        self.heard: Callable[[str], None] = lambda _: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.heard(self.path)
        self.server.asked.append((self.command, self.path, body, dict(self.headers)))
        if self.headers.get("Authorization", "").lower() != f"bearer {self.server.token}":
            self._send(401, b'{"message": "who are you?"}', {})
        elif "watch=true" in self.path:
            self._watch()
        else:
            self._send(*self.server.replies.get(self.path.partition("?")[0], (200, b"{}", {})))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # as the base class calls them

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _watch(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self.server.lines:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.server.silent.wait(30)
        self.wfile.write(b"0\r\n\r\n")


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    one.silent.set()
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield one
    one.silent.set()
    one.shutdown()
    one.server_close()
    thread.join(10)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first")
    return path


@pytest.fixture
def connection(server: Server, token: Path) -> ApiClient:
    access = from_kubeconfig(kubeconfig(token.parent, server.url))
    access.rest_seconds = 0.0
    return ApiClient(access)


def kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig with a token file beside it."""
    path = folder / "config"
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
    }
    path.write_bytes(orjson.dumps(content))
    return path


def test_paths_of_core_grouped_and_cluster_scoped_kinds() -> None:
    assert SECRETS.path("devel", "data") == "/api/v1/namespaces/devel/secrets/data"
    assert RULES.path() == "/apis/networking.istio.io/v1/destinationrules"
    assert RULES.path("a/b") == "/apis/networking.istio.io/v1/namespaces/a%2Fb/destinationrules"
    assert NAMESPACES.path("", "devel") == "/api/v1/namespaces/devel"
    assert (RULES.full_name, SECRETS.full_name) == ("destinationrules.networking.istio.io", "secrets")


def test_an_object_is_read_with_the_token_of_the_kubeconfig(server: Server, connection: ApiClient) -> None:
    server.replies["/api/v1/namespaces/devel/secrets/data"] = (200, b'{"kind": "Secret"}', {})
    assert connection.get(SECRETS, "devel", "data") == {"kind": "Secret"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (422, Rejected),
        (429, ClusterUnavailable),
        (500, ClusterUnavailable),
        (503, ClusterUnavailable),
        (301, Rejected),
    ],
)
def test_each_status_has_its_error_with_reason(
    status: int, error: type[ClusterError], server: Server, connection: ApiClient
) -> None:
    body = orjson.dumps({"kind": "Status", "message": "so it is"})
    server.replies[SECRETS.path("devel", "data")] = (status, body, {})
    with pytest.raises(ClusterError) as raised:
        connection.get(SECRETS, "devel", "data")
    assert (type(raised.value), raised.value.status) == (error, status)
    assert str(raised.value) == f"GET /api/v1/namespaces/devel/secrets/data: {status} so it is"


def test_a_server_that_asks_us_to_wait_is_heard(server: Server, connection: ApiClient) -> None:
    server.replies[SECRETS.path("devel")] = (429, b"slow down", {"Retry-After": "3"})
    with pytest.raises(ClusterUnavailable) as raised:
        connection.page(SECRETS, "devel")
    assert raised.value.pause == 3.0


def test_replaced_token_is_read_again(server: Server, token: Path, connection: ApiClient) -> None:
    token.write_text("second")
    server.token = "second"
    assert connection.get(NAMESPACES, "", "devel") == {}


def test_wrong_token_is_reported_and_not_retried_forever(server: Server, connection: ApiClient) -> None:
    server.token = "another"
    with pytest.raises(ClusterUnavailable, match="401 who are you"):
        connection.get(NAMESPACES, "", "devel")
    assert len(server.asked) <= 2


def test_nobody_listening_is_no_answer(tmp_path: Path, token: Path) -> None:
    token.write_text("first")
    connection = ApiClient(from_kubeconfig(kubeconfig(tmp_path, "http://127.0.0.1:1")))
    with pytest.raises(ClusterUnavailable, match="GET /api/v1/namespaces"):
        connection.page(NAMESPACES)


def test_a_body_cut_short_is_no_answer(server: Server, connection: ApiClient) -> None:
    server.replies["/api/v1/namespaces"] = (200, b"{", {"Content-Length": "20", "ApiClient": "close"})
    with pytest.raises(ClusterUnavailable):
        connection.page(NAMESPACES)


def test_a_kubeconfig_that_names_no_cluster_is_no_access(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}")
    with pytest.raises(ClusterUnavailable, match="no access to a cluster"):
        from_kubeconfig(tmp_path / "config")


def test_kubeconfig_is_read_without_client_models() -> None:
    code = """
import sys
from webhook.kubeapi.lazy_import import kube_config
module = kube_config()
print("pydantic" in sys.modules)
made = module.ApiClient()
from kubernetes.client import ApiClient
print(isinstance(made, ApiClient), kube_config() is module)
"""
    ran = subprocess.run(
        [sys.executable, "-c", f"import webhook.kubeapi.credentials{code}"], check=True, capture_output=True, text=True
    )
    assert (ran.stdout.split(), ran.stderr) == (["False", "True", "True"], "")


def test_outside_a_pod_there_is_no_access_as_its_service_account(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnavailable, match="no access to a cluster"):
        in_cluster(tmp_path)


def test_writes_carry_their_method_query_form_and_body(server: Server, connection: ApiClient) -> None:
    rule = {"metadata": {"namespace": "devel", "name": "r"}}
    path = "/apis/networking.istio.io/v1/namespaces/devel/destinationrules"
    connection.create(RULES, rule, {"dryRun": "All"})
    connection.replace(RULES, rule)
    connection.apply(RULES, rule, "me")
    connection.patch(RULES, "devel", "r", RequestBody([], JSON_PATCH))
    connection.delete(RULES, "devel", "r")
    assert [(method, asked, headers.get("Content-Type")) for method, asked, _, headers in server.asked] == [
        ("POST", f"{path}?dryRun=All", "application/json"),
        ("PUT", f"{path}/r", "application/json"),
        ("PATCH", f"{path}/r?fieldManager=me&force=false", "application/apply-patch+yaml"),
        ("PATCH", f"{path}/r", "application/json-patch+json"),
        ("DELETE", f"{path}/r", None),
    ]
    assert orjson.loads(server.asked[0][2]) == rule


def test_lines_of_a_watch_come_whole_however_the_pieces_fall(server: Server, connection: ApiClient) -> None:
    server.lines = [b'{"a"', b': 1}\n{"b": 2}', b"\n\n", b'{"c": 3}\n']
    assert list(connection.watch(RULES, "", {})) == [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}']


def test_a_watch_that_is_silent_for_too_long_is_cut(server: Server, connection: ApiClient) -> None:
    server.silent.clear()
    server.lines = [b"{}\n"]
    lines = iter(connection.watch(RULES, "", {"timeoutSeconds": 1}))
    assert next(lines) == b"{}"
    with pytest.raises(ClusterUnavailable, match="GET /apis/networking"):
        next(lines)


def test_a_watch_can_be_cut_from_another_thread(server: Server, connection: ApiClient) -> None:
    server.silent.clear()
    server.lines = [b"{}\n"]
    lines = connection.watch(RULES, "", {"timeoutSeconds": 60})
    found = iter(lines)
    assert next(found) == b"{}"
    threading.Timer(0.05, lines.cut).start()
    with pytest.raises((ClusterUnavailable, StopIteration)):
        next(found)


def test_a_slow_answer_is_no_answer(server: Server, connection: ApiClient) -> None:
    server.silent.clear()
    with pytest.raises(ClusterUnavailable):
        connection.ask(ApiRequest("GET", "/api/v1/pods", {"watch": "true"}, seconds=0.2))


class Script(threading.Thread):
    """A server that gives each request the next of its answers, byte for byte; None closes the connection."""

    def __init__(self, *answers: bytes | None) -> None:
        super().__init__(daemon=True)
        self.answers, self.heads, self.connections = list(answers), list[bytes](), 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def run(self) -> None:
        while self.answers:
            connected, _ = self.listening.accept()
            self.connections += 1
            with connected, suppress(ConnectionError):
                while self.answers and (head := connected.recv(65536)):
                    self.heads.append(head)
                    answer = self.answers.pop(0)
                    if answer is None:
                        break
                    connected.sendall(answer)
                    if b"Connection: close" in answer:
                        break


@pytest.fixture
def scripted(token: Path) -> Callable[..., tuple[Script, ApiClient]]:
    """A server with these answers, and a connection to it."""

    def made(*answers: bytes | None) -> tuple[Script, ApiClient]:
        script = Script(*answers)
        return script, ApiClient(from_kubeconfig(kubeconfig(token.parent, script.url)))

    return made


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Scripted = Callable[..., tuple[Script, ApiClient]]


def test_answers_follow_each_other_on_one_connection(scripted: Scripted) -> None:
    script, connection = scripted(OK, OK)
    assert connection.get(NAMESPACES, "", "a") == connection.get(NAMESPACES, "", "b") == {}
    assert script.connections == 1
    assert script.heads[1] == (
        b"GET /api/v1/namespaces/b HTTP/1.1\r\n"
        + f"Host: {script.url.removeprefix('http://')}\r\n".encode()
        + b"Accept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: mtls-guard\r\n"
        b"Authorization: Bearer first\r\n\r\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + OK, id="an interim answer before it"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", id="the end of the connection is that of the body"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", id="HTTP/1.0"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\nX-Trailer: a\r\n\r\n",
            id="chunks with an extension and a trailer",
        ),
    ],
)
def test_an_answer_is_read_whatever_its_frame_and_so_is_the_next(answer: bytes, scripted: Scripted) -> None:
    script, connection = scripted(answer, OK)
    assert connection.get(NAMESPACES, "", "a") == connection.get(NAMESPACES, "", "b") == {}
    assert not script.answers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="none"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{}", id="half of the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nConnection: close", id="half of the head"),
    ],
)
def test_invalid_answer_is_reported_and_connection_replaced(answer: bytes | None, scripted: Scripted) -> None:
    script, connection = scripted(answer, OK)
    with pytest.raises(ClusterUnavailable, match="GET /api/v1/namespaces/a: "):
        connection.get(NAMESPACES, "", "a")
    assert connection.get(NAMESPACES, "", "b") == {}
    assert script.connections == 2


def test_of_an_error_only_a_bounded_part_is_read(scripted: Scripted) -> None:
    endless = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 200_000
    script, connection = scripted(endless, OK)
    with pytest.raises(ClusterUnavailable, match="503"):
        connection.get(NAMESPACES, "", "a")
    assert connection.get(NAMESPACES, "", "b") == {}
    assert script.connections == 2


def test_token_unfit_for_a_header_is_reported_but_not_shown(server: Server, token: Path) -> None:
    token.write_text("secret\r\nX-Other: header")
    access = from_kubeconfig(kubeconfig(token.parent, server.url))
    with pytest.raises(ClusterUnavailable, match="holds a line break") as raised:
        ApiClient(access).get(NAMESPACES, "", "devel")
    assert "secret" not in str(raised.value)
    assert not server.asked


def test_proxy_of_the_kubeconfig_is_used(token: Path, scripted: Scripted) -> None:
    script, _ = scripted(OK)
    path = kubeconfig(token.parent, "http://cluster.example:8080")
    content = orjson.loads(path.read_bytes())
    content["clusters"][0]["cluster"]["proxy-url"] = script.url
    path.write_bytes(orjson.dumps(content))
    assert ApiClient(from_kubeconfig(path)).get(NAMESPACES, "", "a") == {}
    assert script.heads[0].startswith(b"GET http://cluster.example:8080/api/v1/namespaces/a HTTP/1.1\r\n")
    assert b"\r\nHost: cluster.example:8080\r\n" in script.heads[0]
