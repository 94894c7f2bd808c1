"""The partner that is called: a TLS server that demands a client certificate and notes what it sees of each connection.

As strict as partners are: it knows the hosts by their names (SNI), and answers 400 to plain text on every port.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ORIGINAL_DESTINATION = 80
HANDSHAKE = 0x16
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Note:
    """What was seen of a connection. port: the one that was dialled. kind: `mtls`, `tls` that broke, or `plain`.

    subject: of the client certificate; a mesh identity by its URI. why: a handshake broke.
    """

    kind: str
    port: int
    sni: str = ""
    subject: str = ""
    why: str = ""


class Partner:
    """Listens on loopback. The folder holds `server.pem` (certificate and key) and `clients.pem` (trusted CAs).

    impostor: whether it answers with `impostor.pem`, of a CA that nobody trusts.
    """

    def __init__(self, folder: Path, hosts: frozenset[str]) -> None:
        """Begins to listen, in threads."""
        self.notes: list[Note] = []
        self._hosts = hosts
        self._names: dict[int, str] = {}
        self.impostor = False
        self._true, self._false = self._context(folder, "server"), self._context(folder, "impostor")
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def seen(self, since: int = 0) -> list[dict[str, Any]]:
        """The notes from a number on."""
        return [asdict(note) for note in self.notes[since:]]

    def _context(self, folder: Path, name: str) -> ssl.SSLContext:
        """How it speaks TLS with one of its certificates."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / f"{name}.pem")
        made.load_verify_locations(folder / "clients.pem")
        made.verify_mode = ssl.CERT_REQUIRED
        made.sni_callback = self._choose
        return made

    def _choose(self, connection: Any, name: str | None, _: ssl.SSLContext) -> int | None:
        """Refuses names that are not ours."""
        self._names[id(connection)] = name or ""
        return None if name in self._hosts else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One connection, from its first byte to the end of what it asks."""
        port = _dialled(client)
        client.settimeout(SECONDS)
        with client, suppress(OSError):
            first = client.recv(1, socket.MSG_PEEK)
            if first and first[0] == HANDSHAKE:
                self._serve_tls(client, port)
            elif first:
                self.notes.append(Note("plain", port))
                _answer(client, "400 Bad Request", {"error": "plain HTTP on a port of HTTPS"})

    def _serve_tls(self, client: socket.socket, port: int) -> None:
        """A handshake, then one request over it."""
        context = self._false if self.impostor else self._true
        connection = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
        except OSError as error:
            name = self._names.pop(id(connection), "")
            self.notes.append(Note("tls", port, name, why=str(getattr(error, "reason", "") or error)))
            return
        note = Note("mtls", port, self._names.pop(id(connection), ""), subject_of(connection.getpeercert() or {}))
        self.notes.append(note)
        with connection:
            if connection.recv(65536):
                _answer(connection, "200 OK", asdict(note))


def subject_of(certificate: Mapping[str, Any]) -> str:
    """Who a client certificate names: `O=Example,CN=client`, or the URI of a mesh identity."""
    for kind, value in certificate.get("subjectAltName", ()):
        if kind == "URI":
            return str(value)
    short = {"commonName": "CN", "organizationName": "O"}
    return ",".join(f"{short.get(key, key)}={value}" for part in certificate.get("subject", ()) for key, value in part)


def _answer(client: socket.socket, status: str, body: object) -> None:
    """One HTTP answer, the last of its connection: so each request shows the certificate that is loaded now."""
    text = json.dumps(body)
    fields = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close"
    client.sendall(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n{text}".encode())


def _dialled(client: socket.socket) -> int:
    """The port that was dialled before the connection was led here."""
    try:
        held = client.getsockopt(socket.SOL_IP, ORIGINAL_DESTINATION, 16)
    except OSError:
        return int(client.getsockname()[1])
    return int(struct.unpack_from("!H", held, 2)[0])
