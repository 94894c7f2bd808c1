"""What kube-proxy and the pod network are to an API server: leads its dials to cluster addresses to local listeners.

The API server sends `CONNECT 10.96.0.5:443` over a Unix socket (egress selector with HTTPConnect). A folder says
where that leads: a file `10.96.0.5:443`, or `10.244.0.7` for each port of an address. It holds `127.0.0.1:PORT`, or the
path of a Unix socket that hands out connections (see `rig.sandbox`). It is read for each dial: write a file to change a
route. TLS goes through untouched: names and CA bundles are checked as in a cluster.
"""

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

HEAD_BYTES = 8192
CHUNK_BYTES = 65536
DIAL_SECONDS = 5.0


class NoRoute(OSError):
    """Nothing is at this address."""


def serve(path: Path, routes: Path) -> None:
    """Leads connections until the process is ended."""
    listener = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener.bind(str(path))
    listener.listen(128)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=lead, args=(client, routes), daemon=True).start()


def lead(client: socket.socket, routes: Path) -> None:
    """Serves one CONNECT, and carries its bytes until a side ends; or those of a connection that comes with it."""
    with client:
        address, given = _asked(client)
        try:
            server = _dial(address, routes)
        except OSError as error:
            if given:
                given.close()
            else:
                client.sendall(f"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nX-Error: {error}\r\n\r\n".encode())
            return
        if not given:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with server, given or client as source:
            join(source, server)


def join(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until both sides have ended."""
    back = threading.Thread(target=_carry, args=(other, one), daemon=True)
    back.start()
    _carry(one, other)
    back.join()


def connection_from(path: str, port: int) -> socket.socket:
    """A connection to a port inside a sandbox, which it hands to us over its Unix socket.

    Raises:
        OSError: nobody listens there, or the sandbox has gone.
    """
    with socket.socket(socket.AF_UNIX) as keeper:
        keeper.settimeout(DIAL_SECONDS)
        keeper.connect(path)
        keeper.sendall(f"{port}\n".encode())
        said, descriptors, _, _ = socket.recv_fds(keeper, 1024, 1)
    if not descriptors:
        raise NoRoute(said.decode() or "the sandbox has gone")
    return socket.socket(fileno=descriptors[0])


def _asked(client: socket.socket) -> tuple[str, socket.socket | None]:
    """The address that a CONNECT names, and the connection that a sandbox hands on with it."""
    head, given = b"", None
    while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES:
        received, descriptors, _, _ = socket.recv_fds(client, HEAD_BYTES, 1)
        if descriptors:
            given = _quick(socket.socket(fileno=descriptors[0]))
        if not received:
            break
        head += received
    words = head.split()
    return words[1].decode() if len(words) > 1 else "", given


def _dial(address: str, routes: Path) -> socket.socket:
    """A connection to where the address leads."""
    host, _, port = address.rpartition(":")
    for name in (address, host):
        with contextlib.suppress(FileNotFoundError):
            target = (routes / name).read_text(encoding="utf-8").strip()
            if target.startswith("/"):
                return connection_from(target, int(port))
            local, _, number = target.rpartition(":")
            return _quick(socket.create_connection((local, int(number)), DIAL_SECONDS))
    raise NoRoute(f"no route to {address}")


def _quick(connection: socket.socket) -> socket.socket:
    """The connection, without a time-out and without waiting for more to send."""
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carries bytes one way, and the end of them."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    os.umask(0o077)
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
