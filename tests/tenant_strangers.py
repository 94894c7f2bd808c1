"""Strategy: valid objects of another namespace, of every kind that a tenant can create and that anything here looks at.

Istio's validating webhook takes all of them (`tests/test_tenants.py` asks its code).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.tenants import (
    BOTH,
    DESTINATIONS,
    DIRECTORIES,
    HOSTS,
    INJECT,
    KEYS,
    PLAIN,
    VERSIONS,
    Object,
    destination,
    entry,
    exported,
    istio,
    made,
    namespace,
    rule,
    secret,
    tls,
    workload,
)

WIDE = (*HOSTS, *HOSTS, "*.partner.example", "*.example", "stranger.example", "partner.b.svc.cluster.local", "partner")
OUTSIDE = [host for host in WIDE if "partner.b" not in host and host != "partner"]
EXPORTS = ((), (".",), ("*",), ("a",), ("a", "."))
HTTPS = ({"number": 443, "name": "https", "protocol": "HTTPS"},)
_PLACES: tuple[Object, ...] = ({}, {}, {"subset": "v2"}, {"port": {"number": 443}})
_SELECTED = {"matchLabels": {"app": "shop"}}
_POOL = {"connectionPool": {"tcp": {"maxConnections": 9}}}
_ORDERS = ((0, 1, 2), (0, 1, 2), (0, 1, 2), (1, 0, 2), (0, 1, 0), (0, 2, 1))
"""Which names stand for certificate, private key and CA: in their roles, or in others."""


@st.composite
def foreign(draw: st.DrawFn, place: str = "b") -> tuple[Object, ...]:
    """One to six valid objects of another namespace, in any order."""
    kinds = draw(st.lists(st.sampled_from(sorted(_MAKERS)), min_size=1, max_size=6))
    labels = draw(st.sampled_from(({}, {}, {"mtls-guard.io/inject": "true"})))
    return (namespace(place, **labels), *(_MAKERS[kind](draw, place, f"{kind}-{at}") for at, kind in enumerate(kinds)))


def _files(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    names, order = draw(st.sampled_from(KEYS)), draw(st.sampled_from(_ORDERS))
    return draw(st.sampled_from(DIRECTORIES)), tuple(names[at] for at in order)


def _block(draw: st.DrawFn, host: str) -> Object:
    form = draw(st.sampled_from(("files", "files", "files", "files", "credential", "mesh", "crl")))
    if form == "credential":
        mode = draw(st.sampled_from(("MUTUAL", "SIMPLE")))
        return {"mode": mode, "credentialName": "client", "sni": host.removeprefix("*.")}
    if form == "mesh":
        return {"mode": draw(st.sampled_from(("ISTIO_MUTUAL", "DISABLE")))}
    directory, names = _files(draw)
    mode = draw(st.sampled_from(("MUTUAL", "MUTUAL", "MUTUAL", "SIMPLE", "ISTIO_MUTUAL", "DISABLE")))
    more: dict[str, Any] = {"caCrl": f"{directory}/crl.pem"} if form == "crl" else {}
    return tls(host, directory, names, **more, mode=mode)


def _rule(draw: st.DrawFn, place: str, name: str) -> Object:
    host, export = draw(st.sampled_from(WIDE)), draw(st.sampled_from(EXPORTS))
    found = rule(place, name, host, _files(draw), **exported(export))
    found["spec"]["trafficPolicy"] = {"tls": _block(draw, host)}
    form = draw(st.sampled_from(("", "", "", "port", "port-plain", "subset", "selector", "pool")))
    if form.startswith("port"):
        held: Object = {"tls": _block(draw, host)} if form == "port" else _POOL
        number = draw(st.sampled_from((80, 443)))
        found["spec"]["trafficPolicy"]["portLevelSettings"] = [{"port": {"number": number}, **held}]
    elif form == "subset":
        found["spec"]["subsets"] = [{"name": "v2", "trafficPolicy": {"tls": _block(draw, host)}}]
    elif form == "selector":
        found["spec"] = {**found["spec"], "exportTo": ["."], "workloadSelector": _SELECTED}
    elif form == "pool":
        found["spec"]["trafficPolicy"] = _POOL
    if draw(st.integers(0, 3)) == 0:
        found["metadata"]["annotations"] = {INJECT: draw(st.sampled_from(("client", "client,other", "other")))}
    return found


def _entry(draw: st.DrawFn, place: str, name: str) -> Object:
    ports = draw(st.sampled_from(((PLAIN,), (PLAIN,), BOTH, HTTPS)))
    return entry(place, name, draw(st.sampled_from(OUTSIDE)), draw(st.sampled_from(EXPORTS)), ports)


def _route(draw: st.DrawFn, place: str, name: str) -> Object:
    host, to = draw(st.sampled_from(OUTSIDE)), draw(st.sampled_from((*HOSTS, *WIDE[8:])))
    more: Object = draw(st.sampled_from(_PLACES))
    form = draw(st.sampled_from(("route", "route", "match", "delegate", "redirect", "tls")))
    http: Object = destination(to, **more)
    if form == "match":
        http["match"] = [{"uri": {"prefix": "/v2"}}]
    elif form == "delegate":
        http = {"delegate": {"name": "delegated", "namespace": place}}
    elif form == "redirect":
        http = {"redirect": {"uri": "/moved"}}
    ways: Object = {"http": [http]}
    if form == "tls":
        ways = {"tls": [{"match": [{"port": 443, "sniHosts": [host]}], **destination(to)}]}
    gateways = draw(st.sampled_from(([], [], ["mesh"], [f"{place}/edge"], [f"{place}/edge", "mesh"])))
    spec = {"hosts": [host], **ways, **({"gateways": gateways} if gateways else {})}
    return istio("VirtualService", place, name, spec | exported(draw(st.sampled_from(EXPORTS))))


def _delegated(_: st.DrawFn, place: str, _name: str) -> Object:
    return istio("VirtualService", place, "delegated", {"http": [destination("stranger.example")]})


def _workload(draw: st.DrawFn, place: str, name: str) -> Object:
    mounts = [("client", draw(st.sampled_from(DIRECTORIES)))] if draw(st.booleans()) else []
    asked: Mapping[str, str] = {} if mounts else {INJECT: "client"}
    if draw(st.booleans()):
        asked = {**asked, DESTINATIONS: draw(st.sampled_from(HOSTS))}
    named: Sequence[str] = (draw(st.sampled_from(HOSTS)),) if draw(st.booleans()) else ()
    called = draw(st.sampled_from((name, "shop")))
    return workload(place, called, mounts, asked, kind=draw(st.sampled_from(tuple(VERSIONS))), hosts=named)


def _service(draw: st.DrawFn, place: str, _: str) -> Object:
    spec: Object = {"ports": [{"name": "http", "port": 80}], "selector": {"app": "shop"}, "clusterIP": "10.0.0.9"}
    if draw(st.integers(0, 3)) == 0:
        spec = {"type": "ExternalName", "externalName": draw(st.sampled_from(HOSTS)), "ports": spec["ports"]}
    return made("v1", "Service", place, draw(st.sampled_from(("partner", "shop"))), spec=spec)


def _secret(draw: st.DrawFn, place: str, name: str) -> Object:
    return secret(place, draw(st.sampled_from(("client", "other", name))), draw(st.sampled_from(KEYS)))


def _producer(draw: st.DrawFn, place: str, name: str) -> Object:
    if draw(st.booleans()):
        spec: Object = {"secretName": "client", "issuerRef": {"name": "ca"}}
        return made("cert-manager.io/v1", "Certificate", place, name, spec=spec)
    return made("external-secrets.io/v1", "ExternalSecret", place, "client", spec={"data": [{"secretKey": "cert"}]})


def _settings(draw: st.DrawFn, place: str, name: str) -> Object:
    return made("v1", "ConfigMap", place, name, data={"url": f"http://{draw(st.sampled_from(HOSTS))}/"})


def _sidecar(draw: st.DrawFn, place: str, name: str) -> Object:
    hosts = draw(st.sampled_from((["./*", "istio-system/*"], ["*/*"], ["a/*"])))
    return istio("Sidecar", place, name, {"egress": [{"hosts": hosts}]})


def _gateway(_: st.DrawFn, place: str, _name: str) -> Object:
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": list(HOSTS)}]
    return istio("Gateway", place, "edge", {"selector": {"app": "shop"}, "servers": servers})


def _peers(_: st.DrawFn, place: str, name: str) -> Object:
    return made("security.istio.io/v1", "PeerAuthentication", place, name, spec={"mtls": {"mode": "STRICT"}})


_MAKERS: Mapping[str, Callable[[st.DrawFn, str, str], Object]] = {
    "rule": _rule,
    "rules": _rule,
    "entry": _entry,
    "route": _route,
    "delegated": _delegated,
    "workload": _workload,
    "service": _service,
    "secret": _secret,
    "producer": _producer,
    "settings": _settings,
    "sidecar": _sidecar,
    "gateway": _gateway,
    "peers": _peers,
}
"""By what the name of the object begins with."""
