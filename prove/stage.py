"""Where a case is played: its objects on the control plane, its Pod through Istio's injector, its requests sent.

stage.put(*objects)
with stage.pod(deployment) as running:
    stage.request(running, "http://external.system.com/", expected=None)
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from certs.encode import cert_pem, key_pem
from certs.issue import SERVER, Dates, Issued, Profile, make_ca, make_leaf
from prove.aside import AS_NOBODY_ASKED
from prove.completion import pod_of
from prove.mesh import Mesh
from prove.outcome import Outcome, of_request
from prove.sidecar import Meeting, Running, run
from rig.control_plane import KubectlFailed
from rig.waiting import TooLate, until
from webhook.informer.live_engine import ReviewLimits

Object = Mapping[str, Any]
REVISION = "istio.io/rev"
KEPT = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
READY_SECONDS = 40
"""An Envoy that waits for files is ready after 15 s."""
SETTLE_SECONDS = 60
FACTS_SECONDS = ReviewLimits().fresh.total_seconds() + 0.5
ASK_SECONDS = 0.2
"""An answer costs istiod, the agent and Envoy something: no more than needed."""


@dataclass(eq=False)
class Stage:
    """A mesh, and the partner of the case, which also takes the mesh's identities: so it shows where one leaks.

    Our own webhook is not asked about anything that is done here.
    """

    istio: Mesh
    partner: Path = field(init=False)
    hosts: frozenset[str] = frozenset()
    _put: tuple[Object, ...] = ()
    _names: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _asked: float = 0.0

    def forget_facts(self) -> None:
        """Waits until our webhook takes nothing for known that an earlier case's Secret of the same name held."""
        time.sleep(max(0.0, self._asked + FACTS_SECONDS - time.monotonic()))
        self._asked = time.monotonic()

    def meet(self, ca: Issued, hosts: frozenset[str], trusted: bytes = b"") -> None:
        """Gives the partner a certificate for its hosts, and CAs whose clients it takes; and an impostor one, too."""
        self.hosts = hosts
        self.partner = self._folder("partner")
        self.partner.mkdir()
        dates = Dates.around(datetime.now(UTC))
        profile = Profile("partner", usages=(SERVER,), hosts=tuple(sorted(hosts)))
        for name, issuer in (("server", ca), ("impostor", make_ca(dates))):
            server = make_leaf(issuer, dates, profile)
            (self.partner / f"{name}.pem").write_bytes(cert_pem(server) + key_pem(server))
        clients = cert_pem(ca) + trusted + self.istio.root_certificate.encode()
        (self.partner / "clients.pem").write_bytes(clients)

    def put(self, *objects: Object) -> None:
        """Applies objects, and waits until istiod has taken them up.

        Raises:
            KubectlFailed: one was rejected; those before it are there.
        """
        if not objects:
            return
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self._put += objects
        command = ("apply", "--validate=false", *AS_NOBODY_ASKED, "-f", "-", "-o", "json")
        applied = self.istio.cluster.kubectl(*command, stdin=manifest).stdout
        made = json.loads(applied)
        self._names |= {_host(one): one["spec"]["clusterIP"] for one in made.get("items", [made]) if _has_address(one)}
        wanted = {
            _version(one) for one in made.get("items", [made]) if _is_istios(one) and REVISION not in _labels(one)
        }
        until(lambda: wanted <= self._held(), "istiod has what was applied", SETTLE_SECONDS, every=ASK_SECONDS)
        self.istio.settle()

    @property
    def has_rules(self) -> bool:
        """Whether a DestinationRule was put."""
        return any(one["kind"] == "DestinationRule" for one in self._put)

    def clear(self) -> None:
        """Deletes what was put, but for namespaces, and waits until istiod has forgotten it."""
        gone = [one for one in self._put if one["kind"] not in KEPT]
        self._put, self._names = (), {}
        if gone:
            self.delete(*gone)
        until(lambda: len(self._held()) <= 1, "istiod has forgotten it", SETTLE_SECONDS, every=ASK_SECONDS)

    def delete(self, *objects: Object) -> None:
        """Deletes objects, those that are there."""
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        command = ("delete", *AS_NOBODY_ASKED, "-f", "-", "--ignore-not-found", "--now")
        self.istio.cluster.kubectl(*command, stdin=manifest)

    @contextmanager
    def pod(self, workload: Object) -> Iterator[Running]:
        """A Pod of a workload, created as its controller would, and run until it is ready or cannot be.

        Raises:
            KubectlFailed: it was rejected.
            NotThere: it waits for something that a volume shows.
            NotStarted: a container could not be started.
        """
        created = self.create(workload)
        metadata = created["metadata"]
        try:
            with self.running(created) as running:
                yield running
        finally:
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
            self.istio.api.delete(path, {"gracePeriodSeconds": 0})

    @contextmanager
    def running(self, created: Object) -> Iterator[Running]:
        """A Pod that the API server has, run until it is ready or cannot be.

        Raises:
            NotThere: it waits for something that a volume shows.
            NotStarted: a container could not be started.
        """
        running = run(self.istio, created, Meeting(self.partner, self.hosts, self._names), self._folder("w"))
        try:
            until(lambda: running.ready, "the sidecar is ready", READY_SECONDS, every=ASK_SECONDS)
            yield running
        finally:
            running.stop()

    def create(self, workload: Object) -> Object:
        """The Pod of a workload as the API server has it, after all webhooks.

        Raises:
            KubectlFailed: it was rejected.
        """
        cluster = self.istio.cluster
        command = ("create", *AS_NOBODY_ASKED, "-f", "-", "-o", "json")
        made = cluster.kubectl(*command, stdin=json.dumps(pod_of(workload))).stdout
        created: Object = json.loads(made)
        return created

    def request(
        self, running: Running, url: str, expected: frozenset[str] | None, *, impostor: bool = False
    ) -> Outcome:
        """What a request of the application comes to. impostor: somebody else answers in the partner's place."""
        return of_request(running.request(url, impostor=impostor), expected)

    def _held(self) -> set[tuple[str, ...]]:
        """The objects of Istio's that istiod has, with their versions."""
        return {_version(one) for one in json.loads(self.istio.ask("/debug/configz")) or () if _is_istios(one)}

    def _folder(self, name: str) -> Path:
        """A new folder in the rig's."""
        return self.istio.cluster.folder / f"{name}{next(self._numbers)}"


def _has_address(one: Object) -> bool:
    return one["kind"] == "Service" and bool(one["spec"].get("clusterIP"))


def _host(one: Object) -> str:
    return f"{one['metadata']['name']}.{one['metadata']['namespace']}.svc.cluster.local"


def _labels(one: Object) -> Object:
    """Its labels; an istiod does not take up what is labelled for another revision."""
    return one["metadata"].get("labels") or {}


def _is_istios(one: Object) -> bool:
    return str(one.get("apiVersion", "")).startswith("networking.istio.io/")


def _version(one: Object) -> tuple[str, ...]:
    """Which object, and which of its forms; istiod itself writes addresses into a ServiceEntry's status."""
    return one["metadata"]["uid"], str(one["metadata"]["generation"])


__all__ = ["KubectlFailed", "Object", "Stage", "TooLate"]
