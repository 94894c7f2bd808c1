"""A container's probes, asked as the kubelet asks them."""

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from rig.egress import connection_from
from webhook.kubeapi.tls_verification import client_context

KINDS = ("startupProbe", "readinessProbe", "livenessProbe")


@dataclass(eq=False)
class Probe:
    """A probe of a container: what it asks, and when it is sure. `passed` is None until it is.

    As with a kubelet, a probe that waits for its answer holds up no other.
    """

    spec: Mapping[str, Any]
    socket: Path
    passed: bool | None = None
    _row: int = 0
    _next: float = field(init=False)
    _asking: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._next = time.monotonic() + self.spec.get("initialDelaySeconds", 0)

    def ask(self) -> None:
        """Asks when it is time to, and does not wait for the answer."""
        if time.monotonic() < self._next or (self._asking is not None and self._asking.is_alive()):
            return
        self._next = time.monotonic() + self.spec.get("periodSeconds", 10)
        self._asking = threading.Thread(target=self._ask, daemon=True)
        self._asking.start()

    def _ask(self) -> None:
        """One request; it is sure after as many alike in a row as the thresholds say."""
        good = self._answers()
        self._row = self._row + 1 if self._row >= 0 and good else 1 if good else min(self._row, 0) - 1
        if self._row >= self.spec.get("successThreshold", 1):
            self.passed = True
        elif -self._row >= self.spec.get("failureThreshold", 3):
            self.passed = False

    def _answers(self) -> bool:
        """One request; certificates are not checked, as the kubelet does not."""
        asked = self.spec["httpGet"]
        try:
            stream = connection_from(str(self.socket), int(asked["port"]))
            stream.settimeout(self.spec.get("timeoutSeconds", 1))
            connection = HTTPConnection("pod")
            if asked.get("scheme") == "HTTPS":
                connection = HTTPSConnection("pod")
                stream = _unchecked().wrap_socket(stream)
            connection.sock = stream
            try:
                connection.request("GET", asked.get("path", "/"), headers={"User-Agent": "kube-probe/1.37"})
                return 200 <= connection.getresponse().status < 400
            finally:
                connection.close()
        except (OSError, HTTPException):
            return False


def probes_of(pod: Mapping[str, Any], socket: Path) -> dict[str, Probe]:
    """The probes of a Pod's container, by kind; ports by name are numbers from here on."""
    container = pod["spec"]["containers"][0]
    ports = {one.get("name"): one["containerPort"] for one in container.get("ports", [])}
    made = {}
    for kind in KINDS:
        if kind in container:
            asked = container[kind]["httpGet"]
            port = ports.get(asked["port"], asked["port"])
            made[kind] = Probe({**container[kind], "httpGet": {**asked, "port": port}}, socket)
    return made


@cache
def _unchecked() -> ssl.SSLContext:
    """A TLS context that takes any certificate."""
    return client_context(None, verify=False)
