"""Our server as a process beside a real cluster, and the entry by which the API server asks it about everything."""

import json
import ssl
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from examples import material
from rig.children import Child
from rig.control_plane import ControlPlane
from rig.ports import free_port
from tests.live.mesh_objects import Object
from tests.test_serve import SERVE

POD_ADDRESS = "10.244.202.1"
GROUPS = {"apps": ["deployments"], "networking.istio.io": ["destinationrules", "serviceentries"]}


@dataclass(frozen=True, slots=True)
class Haste:
    """How fast time goes by. watch: how long a watch lasts, stale: for how long it may be silent; in seconds."""

    watch: int
    stale: int


class Guard:
    """Our server as a process beside the cluster."""

    def __init__(self, plane: ControlPlane, kubeconfig: Path | None = None, haste: Haste | None = None) -> None:
        """kubeconfig: when not the administrator's. haste: when not as shipped."""
        self.haste = haste or Haste(watch=60, stale=120)
        self.folder, self.port, self.metrics = plane.folder / "guard", free_port(), free_port()
        self.folder.mkdir()
        material.write_webhook(self.folder, datetime.now(UTC))
        settings = {
            "cert": str(self.folder / "tls.crt"),
            "key": str(self.folder / "tls.key"),
            "bind": f"127.0.0.1:{self.port}",
            "metrics": f"127.0.0.1:{self.metrics}",
            "kubeconfig": str(kubeconfig or plane.kubeconfig),
        }
        self.child: Child = plane.family.start("mtls-guard", _command(settings, haste))

    def ask(self, path: str, body: Object | None = None) -> tuple[int, str]:
        """Status and body; (0, '') while nobody answers."""
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"https://localhost:{self.port}{path}", sent, {"Content-Type": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def measured(self) -> str:
        """The metrics."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.metrics}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    def stand_as_pod(self, plane: ControlPlane, namespace: str, name: str) -> None:
        """Shows it to who looks at the cluster as the Pod of a Deployment, which the API server reaches."""
        labels = {"app": name}
        ports = [{"name": "webhook", "containerPort": 10250}, {"name": "metrics", "containerPort": 8080}]
        container = {"name": name, "image": name, "args": [f"--stale-after={self.haste.stale}"], "ports": ports}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "namespace": namespace}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": labels}, "spec": template["spec"]}
        plane.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, pod)
        status = json.dumps({"status": {"phase": "Running", "podIP": POD_ADDRESS, "podIPs": [{"ip": POD_ADDRESS}]}})
        plane.kubectl("patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", status)
        for port, local in ((10250, self.port), (8080, self.metrics)):
            plane.route(f"{POD_ADDRESS}:{port}", f"127.0.0.1:{local}")

    def entry(self) -> Object:
        """The configuration that lets the API server ask about everything that is created and updated."""
        rules = [
            {"apiGroups": [group], "apiVersions": ["*"], "resources": kinds, "operations": ["CREATE", "UPDATE"]}
            for group, kinds in GROUPS.items()
        ]
        bundle = b64encode((self.folder / "ca.crt").read_bytes()).decode()
        entry: Object = {
            "name": "all.mtls-guard.io",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "timeoutSeconds": 3,
            "clientConfig": {"url": f"https://localhost:{self.port}/validate", "caBundle": bundle},
            "rules": rules,
        }
        kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
        return {**kind, "metadata": {"name": "guard"}, "webhooks": [entry]}

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )


def _command(settings: Mapping[str, str], haste: Haste | None) -> list[str]:
    """As a person starts it, or with time going faster."""
    if haste:
        told = {"settings": settings, "watch": haste.watch, "stale": haste.stale}
        return [sys.executable, "-m", "tests.live.replica", json.dumps(told)]
    return [*SERVE, *(word for name, value in settings.items() for word in (f"--{name}", value))]
