"""A webhook server under measurement: started, asked by an API server, and what its whole process tree takes."""

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.child import family_of, port_told, processor_seconds
from rig.children import Child
from rig.control_plane import ControlPlane
from rig.waiting import until

START_SECONDS = 120
CONFIGURATION = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}


@dataclass(eq=False)
class Contender:
    """A server that runs. folder: holds its certificate and `ca.crt`."""

    child: Child
    folder: Path

    @property
    def port(self) -> int:
        """Where it listens, once it says so."""
        said: int = until(self._told, f"{self.child.name} serves", START_SECONDS)
        return said

    def _told(self) -> int:
        port = port_told(self.child.log)
        if not port and not self.child.running:
            raise RuntimeError(f"{self.child.name} did not start: {self.child.said()}")
        return port

    @property
    def processor_seconds(self) -> float:
        """User and system time of all its processes so far."""
        return processor_seconds(self._processes())

    @property
    def memory_mib(self) -> float:
        """What all its processes hold: pages of their own, shared ones once, and what they map of files, once.

        A proportional set size alone would fall whenever another program here maps the same library.
        """
        held = [_rollup(one.pid) for one in self._processes()]
        return (sum(one["Pss_Anon"] for one in held) + max(one["Rss"] - one["Anonymous"] for one in held)) / 1024

    def _processes(self) -> list[psutil.Process]:
        return family_of(psutil.Process(self.child.process.pid))

    def register(self, plane: ControlPlane, namespaces: dict[str, Any]) -> None:
        """Has the API server ask it about Deployments of the namespaces that the expression selects."""
        rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["*"]}
        client = {
            "url": f"https://localhost:{self.port}/validate",
            "caBundle": b64encode((self.folder / "ca.crt").read_bytes()).decode(),
        }
        entry = {
            "name": f"{self.child.name}.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": client,
            "namespaceSelector": {"matchExpressions": [namespaces]},
            "rules": [rule],
        }
        plane.apply({**CONFIGURATION, "metadata": {"name": self.child.name}, "webhooks": [entry]})

    def answer_milliseconds(self, last: int) -> list[float]:
        """What our log says of the last so many reviews: from arrival to answer."""
        lines = self.child.log.read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines[-2 * last :] if '"review answered"' in line and line.endswith("}")]
        return [float(one["milliseconds"]) for one in told[-last:]]


def _rollup(process: int) -> dict[str, int]:
    """The sums over the mappings of one process, by name, in KiB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    return {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
