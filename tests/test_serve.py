"""The real server: gunicorn under TLS, started as a person starts it, spoken to as the API server speaks."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples import material
from examples.apiserver import Webhook, review, webhook
from examples.demo import WORKED
from rig.waiting import until

pytestmark = pytest.mark.slow

SERVE = [sys.executable, "-c", "from webhook.cli.serve import command; command()"]
TOP = Path(__file__).parent.parent
CHUNKED = b"POST /validate HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "project"}, "spec": {}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the webhook's certificate and its log."""
    made = tmp_path_factory.mktemp("webhook")
    material.write_webhook(made, datetime.now(UTC))
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Webhook]:
    """A webhook on the worked example."""
    with webhook(folder, WORKED) as running:
        yield running


def connect(server: Webhook) -> ssl.SSLSocket:
    """A verified connection."""
    context = ssl.create_default_context(cafile=server.folder / "ca.crt")
    return context.wrap_socket(
        socket.create_connection(("localhost", server.port), timeout=10), server_hostname="localhost"
    )


def request(body: bytes, *headers: str, path: str = "/validate?timeout=10s") -> bytes:
    """The bytes of one POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def answer(connection: ssl.SSLSocket) -> tuple[str, str]:
    """Status line and body of one response."""
    with connection.makefile("rb") as stream:
        status = stream.readline().decode().strip()
        length = 0
        for line in iter(stream.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            length = int(value) if name.lower() == "content-length" else length
        return status, stream.read(length).decode()


def pod_review() -> tuple[str, bytes]:
    """The uid and the bytes of a review of a Pod."""
    made = review("CREATE", POD)
    return made["request"]["uid"], json.dumps(made).encode()


def allowed(uid: str) -> tuple[str, str]:
    """Status line and body of an answer that allows."""
    response = f'{{"uid":"{uid}","allowed":true}}'
    return "HTTP/1.1 200 OK", f'{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{response}}}'


def log(server: Webhook) -> list[dict[str, object]]:
    """What the server has logged so far; each line is one JSON object."""
    return [json.loads(line) for line in (server.folder / "log").read_text().splitlines()]


def test_a_connection_is_kept_and_reused(server: Webhook) -> None:
    """The server's own default would close it after 2 s, the API server keeps it for 90 s."""
    with connect(server) as connection:
        for pause in (0, 0, 3):
            time.sleep(pause)
            uid, body = pod_review()
            connection.sendall(request(body))
            assert answer(connection) == allowed(uid)


def test_it_speaks_http_1_1_only(server: Webhook) -> None:
    context = ssl.create_default_context(cafile=server.folder / "ca.crt")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(socket.create_connection(("localhost", server.port)), server_hostname="localhost") as one:
        assert one.selected_alpn_protocol() == "http/1.1"


def test_body_of_8_mib_is_refused(server: Webhook) -> None:
    for _ in range(2):
        with connect(server) as connection:
            connection.sendall(request(b" " * 8 * 1024 * 1024))
            assert answer(connection)[0] == "HTTP/1.1 413 REQUEST ENTITY TOO LARGE"
    uid, body = pod_review()
    with connect(server) as connection:
        connection.sendall(request(body))
        assert answer(connection) == allowed(uid)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", "HTTP/1.1 414 URI Too Long"),
        (request(b"{}", *(f"X-{n}: x" for n in range(100))), "HTTP/1.1 431 Request Header Fields Too Large"),
        (request(b"{}", "SCRIPT_NAME: /elsewhere"), "HTTP/1.1 400 BAD REQUEST"),
        (request(b"{}", path="/%ff%00"), "HTTP/1.1 404 NOT FOUND"),
        (request(b"{}", "Transfer-Encoding: brotli"), "HTTP/1.1 400 Bad Request"),
        (CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 400 BAD REQUEST"),
        (CHUNKED + b"zz\r\n", "HTTP/1.1 400 BAD REQUEST"),
    ],
)
def test_what_is_no_request_of_ours_is_a_4xx(server: Webhook, sent: bytes, status: str) -> None:
    with connect(server) as connection:
        connection.sendall(sent)
        assert answer(connection)[0] == status


def test_a_client_without_tls_leaves_one_line_in_the_log_at_most(server: Webhook) -> None:
    with socket.create_connection(("localhost", server.port), timeout=5) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        plain.recv(100)
    uid, body = pod_review()
    with connect(server) as connection:
        connection.sendall(request(body))
        assert answer(connection) == allowed(uid)
    assert [line for line in log(server) if line["level"] == "error"] == []


def test_each_review_is_one_line_in_the_log(server: Webhook) -> None:
    uid, body = pod_review()
    with connect(server) as connection:
        connection.sendall(request(body))
        answer(connection)
    (line,) = until(lambda: [line for line in log(server) if line.get("uid") == uid], "the review is in the log")
    told = {key: line[key] for key in ("message", "operation", "kind", "namespace", "name", "verdict", "rules")}
    assert told == {
        "message": "review answered",
        "operation": "CREATE",
        "kind": "Pod",
        "namespace": "project",
        "name": "web",
        "verdict": "allow",
        "rules": [],
    }


def test_at_sigterm_a_review_under_way_is_answered(folder: Path) -> None:
    port, process = start(folder)
    server = Webhook(port, folder)
    uid, body = pod_review()
    whole = request(body)
    with connect(server) as connection:
        connection.sendall(whole[:-10])
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(whole[-10:])
        assert answer(connection) == allowed(uid)
    assert process.wait(10) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def start(folder: Path) -> tuple[int, subprocess.Popen[str]]:
    """A server of its own, and its port."""
    flags = ["--cluster", str(WORKED), "--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key")]
    command = [*SERVE, *flags, "--bind", "127.0.0.1:0", "--log", "json"]
    process = subprocess.Popen(command, cwd=TOP, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    return int(json.loads(process.stderr.readline())["url"].split(":")[2].split("/")[0]), process


def refusal(*flags: str, **variables: str) -> tuple[int, str]:
    """Exit code and words of a server that cannot start."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MTLS_GUARD_")}
    ended = subprocess.run(
        [*SERVE, *flags], cwd=TOP, env=environ | variables, capture_output=True, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stderr


def test_a_port_that_is_taken_is_said_at_once(server: Webhook) -> None:
    tls = ("--cert", str(server.folder / "tls.crt"), "--key", str(server.folder / "tls.key"))
    bind = f"127.0.0.1:{server.port}"
    told = f"mtls-guard serve: cannot listen on {bind}: Address already in use\n"
    assert refusal("--cluster", str(WORKED), *tls, "--bind", bind) == (2, told)


def test_what_is_missing_is_said_before_anything_starts(folder: Path, tmp_path: Path) -> None:
    tls = ("--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key"))
    (tmp_path / "half.yaml").write_text("kind: Secret\nmetadata: {name: x\n")
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules: {file-not-mountd: deny}\n")
    no_cluster = refusal("--cluster", str(tmp_path / "none"), *tls)
    half = refusal("--cluster", str(tmp_path / "half.yaml"), *tls)
    bad_policy = refusal("--cluster", str(WORKED), *tls, "--policy", str(policy))
    no_threads = refusal("--cluster", str(WORKED), *tls, MTLS_GUARD_THREADS="none")
    assert [no_cluster[0], half[0], bad_policy[0], no_threads[0]] == [2, 2, 2, 2]
    assert no_cluster[1] == f"mtls-guard serve: {tmp_path / 'none'}: cannot be read: No such file or directory\n"
    assert half[1].startswith(f"mtls-guard serve: {tmp_path / 'half.yaml'}:")
    assert bad_policy[1].startswith(f"mtls-guard serve: {policy}:1: rules.file-not-mountd: no such rule; did you mean")
    assert no_threads[1].endswith('MTLS_GUARD_THREADS "none": expected a whole number from 1 to 256\n')
