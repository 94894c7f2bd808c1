"""What is asked of the API server to see which entry it meets: objects, and what is done with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

Manifest = dict[str, Any]
VOLUMES = {"sidecar.istio.io/userVolume": "[]"}
DECLARED = (
    "sidecar.istio.io/userVolume",
    "sidecar.istio.io/userVolumeMount",
    "mtls-guard.io/client-secret",
    "mtls-guard.io/destinations",
    "mtls-guard.io/inject",
)
BATCH = {"Job": "batch/v1", "CronJob": "batch/v1"}
CORE = ("ReplicationController", "Pod")
BUILT_IN = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod")
KINDS = (*BUILT_IN, "Rollout", "GameServer")
FURTHER = {"Rollout": "argoproj.io/v1alpha1", "GameServer": "example.com/v1"}
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Case:
    """One request. do: the words of kubectl. sent: what it reads. before: what is there. meets: the entries."""

    fact: str
    meets: str
    do: tuple[str, ...]
    sent: Manifest | None = None
    before: Manifest | None = None

    @property
    def name(self) -> str:
        """The name of its object, which no other case has."""
        return str((self.sent or self.before or {})["metadata"]["name"])


def created(fact: str, meets: str, sent: Manifest) -> Case:
    """The object is created."""
    return Case(fact, meets, ("create", "--validate=false", "-f", "-"), sent)


def replaced(fact: str, meets: str, before: Manifest, sent: Manifest) -> Case:
    """The object is replaced by another of its name."""
    return Case(fact, meets, ("replace", "-f", "-"), sent, before)


def deleted(fact: str, meets: str, before: Manifest) -> Case:
    """The object is deleted."""
    return Case(fact, meets, ("delete", "--wait=false", "-f", "-"), before, before)


def changed(fact: str, meets: str, before: Manifest, *do: str) -> Case:
    """The object is changed by kubectl; NAME in its words stands for the object's."""
    metadata = before["metadata"]
    words = tuple(word.replace("NAME", f"{before['kind'].lower()}/{metadata['name']}") for word in do)
    return Case(fact, meets, ("-n", metadata["namespace"], *words), None, before)


def unique() -> str:
    """A name of its own."""
    return f"case-{next(_numbers)}"


def workload(
    kind: str = "Deployment",
    namespace: str = "devel",
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> Manifest:
    """A workload whose pod template has these annotations, labels and fields."""
    name = unique()
    metadata: Manifest = {"labels": {"app": name, **(labels or {})}, "annotations": dict(annotations or {})}
    restart = {"restartPolicy": "Never"} if kind in BATCH else {}
    pod = {"containers": [{"name": "none", "image": "none"}], **restart, **spec}
    version = FURTHER.get(kind) or BATCH.get(kind) or ("v1" if kind in CORE else "apps/v1")
    head: Manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    if kind == "Pod":
        return {**head, "metadata": {**head["metadata"], **metadata}, "spec": pod}
    return {**head, "spec": _spec(kind, name, {"metadata": metadata, "spec": pod})}


def _spec(kind: str, name: str, template: Manifest) -> Manifest:
    """The spec around a pod template."""
    if kind == "CronJob":
        return {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
    if kind in ("Job", "ReplicationController"):
        return {"template": template}
    if kind == "GameServer":
        return {"game": {"template": template}}
    return {"selector": {"matchLabels": {"app": name}}, "template": template}


def controlled(manifest: Manifest, kind: str, version: str = "apps/v1", *, controller: bool = True) -> Manifest:
    """The same, made by an owner."""
    owner = {"apiVersion": version, "kind": kind, "name": "owner", "uid": "0-0", "controller": controller}
    return with_metadata(manifest, ownerReferences=[owner])


def with_metadata(manifest: Manifest, **metadata: Any) -> Manifest:
    """The same, with more metadata."""
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def rule(namespace: str = "devel", version: str = "v1", policy: Manifest | None = None, **spec: Any) -> Manifest:
    """A DestinationRule."""
    given = {"host": "external.system.com", **({"trafficPolicy": policy} if policy else {}), **spec}
    return istio("DestinationRule", namespace, version, given)


def istio(kind: str, namespace: str, version: str, spec: Manifest) -> Manifest:
    """An object of Istio's networking group."""
    metadata = {"name": unique(), "namespace": namespace}
    return {"apiVersion": f"networking.istio.io/{version}", "kind": kind, "metadata": metadata, "spec": spec}


def tls(field: str = "clientCertificate") -> Manifest:
    """TLS settings that name a file."""
    return {"mode": "MUTUAL", field: "/etc/mtlsfiles/cert"}


def port(settings: Manifest) -> Manifest:
    """TLS settings for one port."""
    return {"portLevelSettings": [{"port": {"number": 80}}, {"port": {"number": 443}, "tls": settings}]}


def patch(text: str) -> tuple[str, ...]:
    """The words of a merge patch."""
    return ("patch", "NAME", "--type=merge", "-p", text)
