"""The inside of a Pod: a root folder, a network and mounts of its own, then one container, until it ends.

Runs as `unshare --mount --net [--user --map-root-user] python -m rig.sandbox SPEC.json`, so without root where user
namespaces are allowed. The Pod's address and that of the API server are on its loopback device. What dials it from
outside gets a connection that was made in here, handed over the Unix socket `socket`; what it dials at the API server's
address is handed to `rig.egress`. So arguments, ports, variables and paths are the real ones, for many Pods at once.

Not as in a cluster: the user is root inside, processes outside are visible, and the image is this machine.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rig.root import Root

SET_ADDRESS, SET_FLAGS = 0x8916, 0x8914
UP_AND_RUNNING = 0x41
DIAL_SECONDS = 5.0


def main(spec: dict[str, Any]) -> int:
    """Sets all up, runs the container, answers with its exit code."""
    if mounts_of_this_process() == spec["outside"]:
        raise SystemExit(
            "rig.sandbox would change the mounts of this machine: start it through `unshare --mount --net`"
        )
    for number, address in enumerate(("", spec["address"], spec["api"])):
        bring_up(number, address)
    dials = listen(socket.AF_UNIX, spec["socket"])
    api = listen(socket.AF_INET, (spec["api"], 443))
    root = Root(Path(spec["root"]))
    root.mount(spec["mounts"], read_only=spec["readOnlyRoot"])
    for folder in spec["image"]:
        root.keep(Path(folder))
    container = subprocess.Popen(
        spec["command"],
        env=spec["env"],
        preexec_fn=lambda: _enter(root.folder, spec["workingDir"]),  # noqa: PLW1509  # no thread has started yet
        executable=_find(spec["command"][0], spec["env"]["PATH"]),
    )
    signal.signal(signal.SIGTERM, lambda *_: container.terminate())
    serve(dials, lambda client: _hand_out(client, spec["address"]))
    serve(api, lambda client: hand_on(client, spec["egress"], f"{spec['api']}:443"))
    return container.wait()


def mounts_of_this_process() -> str:
    """Names the mount namespace that we are in."""
    return str(Path("/proc/self/ns/mnt").readlink())


def bring_up(number: int, address: str) -> None:
    """Brings the loopback device up, or gives it one more address."""
    device = f"lo:{number}" if address else "lo"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        if address:
            family_and_address = struct.pack("16sH2x4s8x", device.encode(), socket.AF_INET, socket.inet_aton(address))
            fcntl.ioctl(asked, SET_ADDRESS, family_and_address)
        fcntl.ioctl(asked, SET_FLAGS, struct.pack("16sH14x", device.encode(), UP_AND_RUNNING))


def listen(family: socket.AddressFamily, address: Any) -> socket.socket:
    """A listener."""
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(128)
    return listener


def _enter(inside: Path, folder: str) -> None:
    """In the child, before it becomes the container."""
    os.chroot(inside)
    os.chdir(folder)


def _find(program: str, path: str) -> str:
    """Where a program lies, as the container's own PATH says."""
    for folder in ("", *path.split(":")):
        if os.access(found := os.path.join(folder, program), os.X_OK) and "/" in found:  # noqa: PTH118
            return found
    raise FileNotFoundError(f"{program} is not in {path}")


def serve(listener: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    """Answers each connection, in a thread."""

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                answer(client)

    threading.Thread(target=accept, daemon=True).start()


def _hand_out(client: socket.socket, address: str) -> None:
    """Makes a connection to a port in here and hands it to who asked; says why where there is none."""
    port = int(client.recv(16))
    try:
        with socket.create_connection((address, port), DIAL_SECONDS) as made:
            made.settimeout(None)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            socket.send_fds(client, [b"+"], [made.fileno()])
    except OSError as error:
        client.sendall(f"{address}:{port}: {error.strerror or error}".encode())


def hand_on(client: socket.socket, egress: str, address: str) -> None:
    """Hands a connection made in here to who leads it on."""
    with socket.socket(socket.AF_UNIX) as leader:
        leader.connect(egress)
        socket.send_fds(leader, [f"CONNECT {address}\r\n\r\n".encode()], [client.fileno()])


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
