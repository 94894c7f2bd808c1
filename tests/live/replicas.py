"""Replicas of ours behind the chart's Service, without Pods: processes of this machine, with the chart's own rights."""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from examples.demo import WORKED
from rig.control_plane import ControlPlane
from rig.ports import free_port
from rig.waiting import until
from tests.live.helm import NAMESPACE
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.credentials import from_kubeconfig
from webhook.kubeapi.errors import ClusterError, NotFound
from webhook.kubeapi.resource import LEASES, MUTATING, SECRETS, VALIDATING, Resource
from webhook.leader.probe import DESTINATION_RULES
from webhook.leader.probe_challenge import QUESTION, ProbeChallenge, probe_rule
from webhook.model.raw_object import dig

NAME = "mtls-guard"
ENFORCING = f"{NAME}-enforcing"
INJECTING, LAST = f"before-istio-{NAME}", f"zzz-after-istio-{NAME}"
HOST = f"{NAME}.{NAMESPACE}.svc"
TOP = Path(__file__).parent.parent.parent
DENIED = 'admission webhook "destinationrules.mtls-guard.io" denied the request'
LASTING: Mapping[str, float] = {}
"""The terms as shipped."""


@dataclass(eq=False)
class Replica:
    """A process, and the address under which the Service knows it."""

    name: str
    address: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    metrics: int

    def measured(self, sample: str) -> float:
        """The value of a sample of its metrics, 0 where there is none."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.metrics}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == sample)

    def told(self, message: str) -> list[dict[str, Any]]:
        """The lines of its log with this message, so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [read for read in map(json.loads, filter(_is_whole, lines)) if read["message"] == message]

    def serves(self) -> bool:
        """Whether it listens."""
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        return bool(self.told("serving"))

    def send(self, sent: signal.Signals) -> None:
        """A signal: SIGKILL to all of it, others as a kubelet does, to its first process."""
        if sent is signal.SIGKILL:
            os.killpg(self.process.pid, sent)
        else:
            self.process.send_signal(sent)

    def handshake(self, bundle: bytes) -> bytes:
        """The certificate that it shows to somebody who trusts the bundle; raises ssl.SSLError where that fails."""
        context = ssl.create_default_context(cadata=bundle.decode())
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as connection,
        ):
            return connection.getpeercert(binary_form=True) or b""


@dataclass(eq=False)
class Installation:
    """The chart's objects on a control plane, and the replicas that stand behind them."""

    plane: ControlPlane
    terms: Mapping[str, float] = field(default_factory=lambda: LASTING)
    name: str = NAME
    namespace: str = NAMESPACE
    replicas: list[Replica] = field(default_factory=list)
    started: int = 0

    @cached_property
    def api(self) -> ApiClient:
        """The API server, as the administrator."""
        return ApiClient(from_kubeconfig(self.plane.kubeconfig))

    def start(self, count: int = 2) -> list[Replica]:
        """Starts so many replicas at the same instant, and waits until they serve behind the Service."""
        fresh = [self._spawn(self.started + number) for number in range(count)]
        self.started += count
        self.replicas += fresh
        for replica in fresh:
            until(replica.serves, "a replica serves", 120)
        self.route(self.replicas)
        return fresh

    def _spawn(self, number: int) -> Replica:
        port, metrics = free_port(), free_port()
        log = self.plane.folder / f"{self.name}-{number}.log"
        settings = {
            "cluster": str(WORKED),
            "serving-secret": f"{self.namespace}/{self.name}-serving",
            "serving-dns": f"{self.name}.{self.namespace}.svc",
            "installation": f"{self.namespace}/{self.name}",
            "kubeconfig": str(self.plane.account_kubeconfig(self.namespace, self.name)),
            "bind": f"127.0.0.1:{port}",
            "metrics": f"127.0.0.1:{metrics}",
            "drain": "5",
        }
        told = json.dumps({"settings": settings, "terms": self.terms})
        environ = self.plane.environment() | {"POD_NAME": f"replica-{number}", "TMPDIR": str(self.plane.folder)}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.live.replica", told],
                cwd=TOP,
                env=environ,
                stderr=stream,
                start_new_session=True,
            )
        subnet = 201 if self.name == NAME else 203
        return Replica(f"replica-{number}", f"10.244.{subnet}.{number + 1}", port, process, log, metrics)

    def route(self, replicas: Sequence[Replica]) -> None:
        """Makes these what the Service leads to."""
        for replica in replicas:
            self.plane.route(replica.address, f"127.0.0.1:{replica.port}")
        endpoints = [{"addresses": [one.address], "conditions": {"ready": True}} for one in replicas]
        labels = {"kubernetes.io/service-name": self.name}
        metadata = {"name": "replicas", "namespace": self.namespace, "labels": labels}
        self.plane.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": metadata,
                "addressType": "IPv4",
                "ports": [{"name": "https-webhook", "port": 10250}],
                "endpoints": endpoints,
            }
        )

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> None:
        """Ends all replicas; the Service leads nowhere."""
        for replica in self.replicas:
            replica.send(sent)
        for replica in self.replicas:
            replica.process.wait(60)
            self.plane.unroute(replica.address)
        self.replicas.clear()

    def told(self, message: str) -> list[dict[str, Any]]:
        """What all replicas said of that."""
        return [line for replica in self.replicas for line in replica.told(message)]

    def get(self, resource: Resource, name: str, namespace: str = "") -> dict[str, Any]:
        """An object as it is now; empty where there is none."""
        try:
            return self.api.get(resource, namespace, name)
        except NotFound:
            return {}

    def entries(self, suffix: str = "-enforcing") -> list[dict[str, Any]]:
        """The entries of a validating configuration, none where it is not there."""
        entries: list[dict[str, Any]] = self.get(VALIDATING, f"{self.name}{suffix}").get("webhooks", [])
        return entries

    def mutating(self, prefix: str = "before-istio") -> list[dict[str, Any]]:
        """The entries of a mutating configuration, none where it is not there."""
        entries: list[dict[str, Any]] = self.get(MUTATING, f"{prefix}-{self.name}").get("webhooks", [])
        return entries

    def last(self) -> list[dict[str, Any]]:
        """The entries of the mutating configuration that is called last."""
        return self.mutating("zzz-after-istio")

    def policies(self) -> set[str]:
        """The failure policies of the entries that the leader keeps."""
        return {entry["failurePolicy"] for entry in (*self.entries(), *self.mutating(), *self.last())}

    def bundles(self) -> set[bytes]:
        """The CA bundles of all entries of all configurations."""
        entries = [*self.entries(""), *self.entries(), *self.mutating(), *self.last()]
        return {base64.b64decode(entry["clientConfig"].get("caBundle", "")) for entry in entries}

    def secret(self) -> dict[str, bytes]:
        """What the Secret of the certificate holds."""
        found = self.get(SECRETS, f"{self.name}-serving", self.namespace)
        return {key: base64.b64decode(value) for key, value in found.get("data", {}).items()}

    def leader(self) -> str:
        """Who holds the Lease, '' where nobody does."""
        return str(dig(self.get(LEASES, self.name, self.namespace), "spec", "holderIdentity")).partition("_")[0]

    def enforces(self) -> bool:
        """Whether all is as it shall be in the end: every entry `Fail`, every bundle published."""
        kept = self.policies() == {"Fail"} and bool(self.entries()) and bool(self.mutating())
        return kept and len(self.bundles()) == 1 and b"" not in self.bundles()


def known_bad(namespace: str = "default") -> dict[str, Any]:
    """The DestinationRule of the probe without its question: judged like any other."""
    rule = probe_rule(namespace, ProbeChallenge("nobody", "nothing"))
    del rule["metadata"]["annotations"][QUESTION]
    return rule


def submitting(plane: ControlPlane) -> Callable[[], str]:
    """Asks for a known-bad DestinationRule as a dry run, over and over on one connection: what the API server says."""
    api = ApiClient(from_kubeconfig(plane.kubeconfig))

    def submit() -> str:
        try:
            api.create(DESTINATION_RULES, known_bad(), {"dryRun": "All"})
        except ClusterError as error:
            return str(error)
        return "admitted"

    return submit


@contextmanager
def running(
    plane: ControlPlane, terms: Mapping[str, float] = LASTING, count: int = 2, name: str = NAME
) -> Iterator[Installation]:
    """Replicas that have come to enforce; ended in the end. name: of the release, and of its namespace."""
    found = Installation(plane, terms, name, name)
    try:
        found.start(count)
        until(found.enforces, "the entries enforce", 120)
        yield found
    finally:
        found.stop()


def _is_whole(line: str) -> bool:
    """Whether a line of the log was written to its end."""
    return line.startswith("{") and line.endswith("}")
