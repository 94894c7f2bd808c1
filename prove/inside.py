"""The inside of an injected Pod: a network, mounts and processes of its own, with its partner on its loopback device.

Runs as `unshare --mount --net --pid --fork python -m prove.inside SPEC.json`, as root. The arguments of istio-init go
to `pilot-agent istio-iptables`; the sidecar runs as the user that the Pod names, in a root folder with the Pod's
mounts. What the sidecar, or a bypass of it, lets out is led to the partner by one more rule. The application is an HTTP
request made in here by another user than the sidecar's.
"""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prove import names
from prove.partner import Partner
from rig.root import Root
from rig.sandbox import bring_up, hand_on, listen, mounts_of_this_process, serve

NAMESERVER = "127.0.0.1"
REQUEST_SECONDS = 25
ANSWER_BYTES = 1 << 20


@dataclass
class Inside:
    """A Pod that runs."""

    spec: dict[str, Any]
    partner: Partner
    sidecar: subprocess.Popen[bytes] | None = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What somebody outside wants to know."""
        if asked["do"] == "ready":
            return self._ready()
        return self._request(asked["url"], impostor=asked["impostor"])

    def _ready(self) -> dict[str, Any]:
        """Whether the sidecar says that it is ready, and the code it ended with."""
        ended = self.sidecar.poll() if self.sidecar else None
        answer = fetch("http://127.0.0.1:15021/healthz/ready", "127.0.0.1", 2) if self.sidecar else {"status": 200}
        return {"ready": answer["status"] == 200, "ended": ended}

    def _request(self, url: str, *, impostor: bool) -> dict[str, Any]:
        """What the application gets, and what the partner, or somebody in its place, saw of it."""
        before = len(self.partner.notes)
        self.partner.impostor = impostor
        got = fetch(url, names.address_of(urlsplit(url).hostname or "", self.spec["names"]), REQUEST_SECONDS)
        return {**got, "notes": self.partner.seen(before)}


def fetch(url: str, address: str, seconds: float) -> dict[str, Any]:
    """One GET of a URL at an address: `{"status": 503, "body": ...}`, status 0 where there was no answer."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((address, port), seconds) as dialled:
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
            connection.sock = _tls(dialled, host) if parts.scheme == "https" else dialled
            connection.request("GET", parts.path or "/", headers={"Host": parts.netloc})
            answer = connection.getresponse()
            return {"status": answer.status, "body": answer.read(ANSWER_BYTES).decode(errors="replace")}
    except (OSError, http.client.HTTPException) as error:
        return {"status": 0, "body": f"{type(error).__name__}: {error}"}


def _tls(dialled: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS as an application without a client certificate begins it; whom it trusts is not what we look at."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(dialled, server_hostname=host)


def main(spec: dict[str, Any]) -> int:
    """Sets all up, runs the sidecar, answers questions until it is ended."""
    if mounts_of_this_process() == spec["outside"]:
        raise SystemExit(
            "prove.inside would change this machine: start it through `unshare --mount --net --pid --fork`"
        )
    _network(spec)
    partner = Partner(Path(spec["partner"]), frozenset(spec["hosts"]))
    inside = Inside(spec, partner)
    init = spec["init"]
    if init:
        subprocess.run(init["command"], env=init["env"], check=True)
    _lead_out(partner.port, spec)
    if spec["sidecar"]:
        inside.sidecar = _start(spec["sidecar"], Path(spec["root"]))
    serve(listen(socket.AF_UNIX, spec["socket"]), lambda client: _converse(client, inside))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        signal.pause()


def _network(spec: dict[str, Any]) -> None:
    """A device with the Pod's address and a default route, names, and the services of the cluster that it calls."""
    bring_up(0, "")
    for command in (
        "link add eth0 type veth peer name peer0",
        "link set peer0 up",
        "link set eth0 up",
        f"address add {spec['address']}/32 dev eth0",
        "route add default dev eth0",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    names.serve(NAMESERVER, spec["names"])


def _lead_out(port: int, spec: dict[str, Any]) -> None:
    """Leads what would leave the Pod: to services of the cluster outside, all else to the partner."""
    for service in spec["services"]:
        listener = listen(socket.AF_INET, ("127.0.0.1", 0))
        serve(listener, lambda client, service=service: hand_on(client, spec["egress"], service))  # type: ignore[misc]
        host, _, number = service.rpartition(":")
        _redirect(f"-d {host} --dport {number}", listener.getsockname()[1], spec["tools"])
    _redirect("! -o lo", port, spec["tools"])


def _redirect(match: str, port: int, tools: dict[str, str]) -> None:
    """One rule, after those of istio-init."""
    rule = f"-t nat -A OUTPUT -p tcp {match} -j REDIRECT --to-ports {port}"
    subprocess.run(["iptables", *rule.split()], env=tools, check=True)


def _start(sidecar: dict[str, Any], folder: Path) -> subprocess.Popen[bytes]:
    """Starts the sidecar, as its user, on its root folder; ends with the runtime's reason where that cannot be done."""
    root = Root(folder)
    root.mount(sidecar["mounts"], read_only=False)

    def enter() -> None:
        os.chroot(root.folder)
        os.chdir("/")
        os.setgroups(sidecar["groups"])
        os.setgid(sidecar["gid"])
        os.setuid(sidecar["uid"])

    program = sidecar["command"][0]
    try:
        return subprocess.Popen(sidecar["command"], env=sidecar["env"], preexec_fn=enter)  # noqa: PLW1509  # as in rig.sandbox
    except OSError as error:
        raise SystemExit(f'exec: "{program}": {error.strerror}') from None


def _converse(client: socket.socket, inside: Inside) -> None:
    """One question, one answer, as JSON lines; in a thread of its own, since it may take long."""
    held = client.dup()

    def answer() -> None:
        with held, held.makefile("rw") as stream, suppress(OSError, ValueError):
            stream.write(json.dumps(inside.answer(json.loads(stream.readline()))) + "\n")

    threading.Thread(target=answer, daemon=True).start()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
