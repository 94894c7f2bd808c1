"""The rig's own client of an API server: whatever way that ends, threads that play a node go on."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rig.api import Api
from rig.credentials import Credentials

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CUT = {
    "within a body": HEAD + b"Content-Length: 100\r\n\r\n{",
    "within a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "before an answer": b"",
    "no HTTP": b"\x00\x01\r\n",
}


@contextmanager
def answering(folder: Path, answer: bytes) -> Iterator[Api]:
    """An API server that answers its only connection with these bytes and ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    credentials = Credentials(folder / "credentials")
    credentials.write(port)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(credentials.folder / "server.crt", credentials.folder / "server.key")

    def serve() -> None:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    with listener:
        yield Api.of(credentials.admin, credentials.ca)
        thread.join(30)


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_an_answer_that_is_cut_is_an_os_error(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path, answer) as api, pytest.raises(OSError, match=r"."):
        api.get("/api/v1/pods")


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_so_is_a_watch_that_is_cut(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path, answer) as api, pytest.raises((OSError, ValueError), match=r"."):
        list(api.watch("/api/v1/pods", "1"))
