"""Generated objects of tenants that share a cluster: what one team needs for its calls, and what another may add."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from certs.vocabulary import fill

Object = dict[str, Any]
DIRECTORIES = ("/etc/mtls", "/etc/mtlsfiles", "/etc/certs", "/etc/certs/partner", "/etc/istio/certs", "/var/tls")
KEYS = (("tls.crt", "tls.key", "ca.crt"), ("cert", "key", "cacert"), ("client.pem", "client-key.pem", "ca.crt"))
HOSTS = ("pay.partner.example", "api.partner.example", "own.other.example")
NETWORKING = "networking.istio.io/v1"
FOREIGN = ("rule", "entry", "route", "secret", "workload", "sidecar")
INJECT = "mtls-guard.io/client-secret"


def istio(kind: str, namespace: str, name: str, spec: Object) -> Object:
    """An object of Istio."""
    return {"apiVersion": NETWORKING, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec}


def namespace(name: str) -> Object:
    """A namespace with injection."""
    labels = {"istio-injection": "enabled"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret(place: str, name: str, keys: Sequence[str]) -> Object:
    """A Secret with a client certificate, its private key and a CA under these data keys."""
    data = dict(zip(keys, ("@client.cert", "@client.key", "@ca.cert"), strict=True))
    meta = {"namespace": place, "name": name}
    filled: Object = dict(fill({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}))
    return filled


def entry(place: str, name: str, host: str, export: Sequence[str] = ()) -> Object:
    """A ServiceEntry whose port 80 leads to 443."""
    ports = [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}]
    spec: Object = {"hosts": [host], "location": "MESH_EXTERNAL", "resolution": "DNS", "ports": ports}
    if host.startswith("*"):
        spec["resolution"] = "NONE"
    return istio("ServiceEntry", place, name, {**spec, **({"exportTo": list(export)} if export else {})})


def rule(place: str, name: str, host: str, files: tuple[str, Sequence[str]], **more: Any) -> Object:
    """A DestinationRule. files: directory and names of certificate, private key and CA. more: fields of its spec."""
    directory, keys = files
    fields = ("clientCertificate", "privateKey", "caCertificates")
    paths = {field: f"{directory}/{key}" for field, key in zip(fields, keys, strict=True)}
    mode = more.pop("mode", "MUTUAL")
    tls = {"mode": mode, **paths, "sni": host.removeprefix("*.")}
    return istio("DestinationRule", place, name, {"host": host, "trafficPolicy": {"tls": tls}, **more})


def workload(place: str, name: str, mounts: Sequence[tuple[str, str]], annotations: Object | None = None) -> Object:
    """A Deployment. mounts: names of Secrets with the directory of each."""
    written: Object = dict(annotations or {})
    if mounts:
        volumes = [{"name": f"v{at}", "secret": {"secretName": one}} for at, (one, _) in enumerate(mounts)]
        places = [{"name": f"v{at}", "mountPath": path} for at, (_, path) in enumerate(mounts)]
        written["sidecar.istio.io/userVolume"] = json.dumps(volumes)
        written["sidecar.istio.io/userVolumeMount"] = json.dumps(places)
    pod = {
        "metadata": {"labels": {"app": name}, "annotations": written},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    }
    meta = {"namespace": place, "name": name}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


@dataclass(frozen=True)
class Team:
    """A team with a workload that works. others: everything that it needs, in the order in which kubectl applies it."""

    workload: Object
    others: tuple[Object, ...]


PRIVATE = st.sampled_from(((), (".",), ("*",)))


@st.composite
def teams(draw: st.DrawFn, place: str = "a") -> Team:
    """A team whose workload calls one or two hosts, by mounts or by injection."""
    keys, injected = draw(st.sampled_from(KEYS)), draw(st.booleans())
    hosts = draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=1 if injected else 2, unique=True))
    places = draw(st.permutations(DIRECTORIES))
    spare = [("spare", places[-1])] if draw(st.booleans()) and not injected else []
    parts: list[Object] = [namespace(place), secret(place, "client", keys)]
    for at, host in enumerate(hosts):
        export = draw(PRIVATE)
        extra: Object = {"exportTo": list(export)} if export else {}
        if draw(st.integers(0, 4)) == 0:
            extra["workloadSelector"] = {"matchLabels": {"app": "shop"}}
        parts.append(entry(place, f"partner-{at}", host, draw(PRIVATE)))
        parts.append(rule(place, f"partner-{at}", host, (places[at], keys), **extra))
    asked = {INJECT: "client"}
    mounts = [] if injected else [("client", places[at]) for at in range(len(hosts))]
    if spare:
        parts.append(secret(place, "spare", ("server.pem", "server-key.pem", "bundle.pem")))
    return Team(workload(place, "shop", [*mounts, *spare], asked if injected else None), tuple(parts))


@st.composite
def foreign(draw: st.DrawFn, place: str = "b") -> tuple[Object, ...]:
    """One to six valid objects of another namespace, in any order."""
    kinds = st.lists(
        st.sampled_from(("rule", "entry", "route", "secret", "workload", "sidecar")), min_size=1, max_size=6
    )
    made = (_foreign(draw, place, kind, at) for at, kind in enumerate(draw(kinds)))
    return (namespace(place), *made)


_WIDE = st.sampled_from((*HOSTS, "*.partner.example", "*.example", "stranger.example"))


def _foreign(draw: st.DrawFn, place: str, kind: str, at: int) -> Object:
    name, keys, directory = f"{kind}-{at}", draw(st.sampled_from(KEYS)), draw(st.sampled_from(DIRECTORIES))
    export = draw(st.sampled_from(((), (".",), ("*",), ("a",), ("a", "."))))
    host = draw(_WIDE)
    if kind == "rule":
        return _foreign_rule(draw, (place, name, host), (directory, keys), export)
    if kind == "entry":
        return entry(place, name, host, export)
    if kind == "route":
        route = [{"route": [{"destination": {"host": draw(st.sampled_from(HOSTS))}}]}]
        exported = {"exportTo": list(export)} if export else {}
        return istio("VirtualService", place, name, {"hosts": [host], "http": route, **exported})
    if kind == "secret":
        return secret(place, draw(st.sampled_from(("client", name))), keys)
    if kind == "sidecar":
        return istio("Sidecar", place, name, {"egress": [{"hosts": ["./*", "istio-system/*"]}]})
    mounts = [("client", directory)] if draw(st.booleans()) else []
    return workload(place, name, mounts, {} if mounts else {INJECT: "client"})


def _foreign_rule(
    draw: st.DrawFn, named: tuple[str, str, str], files: tuple[str, Sequence[str]], export: Sequence[str]
) -> Object:
    extra: Object = {"exportTo": list(export)} if export else {}
    if draw(st.integers(0, 5)) == 0:
        extra["workloadSelector"] = {"matchLabels": {"app": "shop"}}
    mode = draw(st.sampled_from(("MUTUAL", "MUTUAL", "MUTUAL", "SIMPLE", "ISTIO_MUTUAL", "DISABLE")))
    made = rule(*named, files, mode=mode, **extra)
    if draw(st.integers(0, 3)) == 0:
        made["metadata"]["annotations"] = {INJECT: "client"}
    return made
