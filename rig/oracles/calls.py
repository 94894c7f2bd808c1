"""What istiod tells a sidecar of plain http calls to a host: where they end, and with which TLS settings.

Keeps one program running, so that a test can ask from case to case.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from rig.oracles.asking import BATCH, Json
from rig.oracles.clusters import Told, observe
from rig.parts import have

Destination = tuple[str, Told]
"""The name of a cluster, and what is said to it."""
PASSTHROUGH = "PassthroughCluster"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar by the namespace and labels of its pod."""

    namespace: str
    labels: tuple[tuple[str, str], ...] = ()

    def question(self, objects: Iterable[Json]) -> Json:
        """The case for the program: these objects, and this sidecar."""
        proxy = {"namespace": self.namespace, "labels": dict(self.labels)}
        return {"objects": list(objects), "mesh": {}, "proxies": [proxy], "routes": True}


class Istiod:
    """The program, started when it is first asked, and again after so many answers, because of what it keeps."""

    def __init__(self) -> None:
        self.asked = 0
        self._program: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the program."""
        if self._program is not None:
            self._program.communicate()
            self._program = None

    def calls(self, objects: Iterable[Json], sidecar: Sidecar, hosts: Sequence[str]) -> tuple[Destination, ...]:
        """Where plain http calls of the sidecar to port 80 of each host end, in order; without what Istio refuses.

        Raises:
            PartMissing: the program is not here and cannot be built.
        """
        answer = self._ask(sidecar.question(objects))
        told = {_name(one): observe(one["tls"]) for one in answer["proxies"][0]}
        ends = (name for host in hosts for name in _clusters(answer["routes"][0], host))
        return tuple((name, told.get(name, Told())) for name in ends)

    def _ask(self, question: Json) -> Json:
        if self.asked % BATCH == 0:
            self.close()
        self.asked += 1
        program = self._program or self._start()
        if program.stdin is None or program.stdout is None:
            raise RuntimeError("the oracle has no pipes")
        program.stdin.write(json.dumps(question) + "\n")
        program.stdin.flush()
        line = program.stdout.readline()
        if not line:
            raise RuntimeError(f"the oracle ended with {program.wait()}")
        answer: Json = json.loads(line)
        return answer

    def _start(self) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        self._program = subprocess.Popen([have("oracle"), "clusters"], stdin=pipe, stdout=pipe, text=True)
        return self._program


def _name(cluster: Mapping[str, str]) -> str:
    return f"outbound|{cluster['port']}|{cluster['subset']}|{cluster['host']}"


def _clusters(routes: Sequence[Json], host: str, port: str = "80") -> tuple[str, ...]:
    """The clusters to which calls to the host are routed: exact domain, else the longest wildcard, as Envoy looks."""
    fitting = [(_rank(domain, host, port), one) for one in routes if one["port"] == port for domain in one["domains"]]
    best = max((rank for rank, _ in fitting), default=0)
    if best <= 0:
        return (PASSTHROUGH,)
    found = next(one for rank, one in fitting if rank == best)
    return tuple(name for names in found["clusters"] for name in names or ("",))


def _rank(domain: str, host: str, port: str) -> int:
    """How close a domain is to the host; 0 where it does not fit."""
    if domain in (host, f"{host}:{port}"):
        return 1 << 16
    if domain.startswith("*."):
        return len(domain) if host.endswith(domain[1:]) else 0
    return 1 if domain == "*" else 0
