"""Objects of tenants that share a cluster, as people write them; strategies draw from them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certs.vocabulary import fill

Object = dict[str, Any]
DIRECTORIES = ("/etc/mtls", "/etc/mtlsfiles", "/etc/certs", "/etc/certs/partner", "/etc/istio/certs", "/var/tls")
KEYS = (("tls.crt", "tls.key", "ca.crt"), ("cert", "key", "cacert"), ("client.pem", "client-key.pem", "ca.crt"))
HOSTS = ("pay.partner.example", "api.partner.example", "own.other.example")
NETWORKING = "networking.istio.io/v1"
INJECT, DESTINATIONS = "mtls-guard.io/client-secret", "mtls-guard.io/destinations"
PLAIN = {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}
BOTH = ({**PLAIN, "targetPort": 80}, {"number": 443, "name": "https", "protocol": "HTTPS"})
VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1", "Pod": "v1"}


def made(version: str, kind: str, place: str, name: str, **fields: Any) -> Object:
    """An object of any kind."""
    return {"apiVersion": version, "kind": kind, "metadata": {"namespace": place, "name": name}, **fields}


def istio(kind: str, namespace: str, name: str, spec: Object) -> Object:
    """An object of Istio."""
    return {"apiVersion": NETWORKING, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec}


def namespace(name: str, **more: str) -> Object:
    """A namespace with injection. more: further labels."""
    labels = {"istio-injection": "enabled", **more}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret(place: str, name: str, keys: Sequence[str]) -> Object:
    """A Secret with a client certificate, its private key and a CA under these data keys."""
    data = dict(zip(keys, ("@client.cert", "@client.key", "@ca.cert"), strict=True))
    meta = {"namespace": place, "name": name}
    filled: Object = dict(fill({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}))
    return filled


def entry(place: str, name: str, host: str, export: Sequence[str] = (), ports: Sequence[Object] = (PLAIN,)) -> Object:
    """A ServiceEntry; without more its port 80 leads to 443."""
    spec: Object = {"hosts": [host], "location": "MESH_EXTERNAL", "ports": list(ports)}
    spec["resolution"] = "NONE" if host.startswith("*") else "DNS"
    return istio("ServiceEntry", place, name, spec | exported(export))


def exported(export: Sequence[str]) -> Object:
    """The field exportTo, where it is written."""
    return {"exportTo": list(export)} if export else {}


def tls(host: str, directory: str, keys: Sequence[str], **more: Any) -> Object:
    """The tls block with files. keys: names of certificate, private key and CA; more: further fields."""
    fields = ("clientCertificate", "privateKey", "caCertificates")
    paths = {field: f"{directory}/{key}" for field, key in zip(fields, keys, strict=True) if key}
    return {"mode": "MUTUAL", **paths, "sni": host.removeprefix("*."), **more}


def rule(place: str, name: str, host: str, files: tuple[str, Sequence[str]], **more: Any) -> Object:
    """A DestinationRule. files: directory and names of certificate, private key and CA. more: fields of its spec."""
    return istio("DestinationRule", place, name, {"host": host, "trafficPolicy": {"tls": tls(host, *files)}, **more})


def destination(host: str, **more: Any) -> Object:
    """An http route to one destination. more: fields of the destination."""
    return {"route": [{"destination": {"host": host, **more}}]}


def workload(
    place: str,
    name: str,
    mounts: Sequence[tuple[str, str]],
    annotations: Mapping[str, str] | None = None,
    *,
    kind: str = "Deployment",
    hosts: Sequence[str] = (),
) -> Object:
    """A workload. mounts: names of Secrets with the directory of each. hosts: what its environment names."""
    written: Object = dict(annotations or {})
    if mounts:
        volumes = [{"name": f"v{at}", "secret": {"secretName": one}} for at, (one, _) in enumerate(mounts)]
        places = [{"name": f"v{at}", "mountPath": path} for at, (_, path) in enumerate(mounts)]
        written["sidecar.istio.io/userVolume"] = json.dumps(volumes)
        written["sidecar.istio.io/userVolumeMount"] = json.dumps(places)
    app: Object = {"name": "app", "image": "app"}
    if hosts:
        app["env"] = [{"name": "URLS", "value": " ".join(f"http://{host}/" for host in hosts)}]
    meta, spec = {"labels": {"app": name}, "annotations": written}, {"containers": [app]}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": place, "name": name, **meta}, "spec": spec}
    around: Object = {"template": {"metadata": meta, "spec": spec}}
    if kind == "CronJob":
        around = {"schedule": "0 * * * *", "jobTemplate": {"spec": around}}
    elif kind != "Job":
        around["selector"] = {"matchLabels": {"app": name}}
    return made(VERSIONS[kind], kind, place, name, spec=around)


@dataclass(frozen=True)
class Team:
    """A team with a workload that works, and what its calls need. others: in the order in which kubectl applies them.

    hosts: those that it calls.
    """

    workload: Object
    others: tuple[Object, ...]
    hosts: tuple[str, ...]
