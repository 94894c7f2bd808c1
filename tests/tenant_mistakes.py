"""Strategy: what a person of a team may write wrong, or change while others use it."""

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from tests.tenants import (
    BOTH,
    DESTINATIONS,
    DIRECTORIES,
    HOSTS,
    INJECT,
    KEYS,
    PLAIN,
    Object,
    destination,
    entry,
    exported,
    istio,
    rule,
    tls,
    workload,
)

HTTPS = ({"number": 443, "name": "https", "protocol": "HTTPS"},)
HIDING = st.sampled_from(((), (".",), ("b",), ("~",)))
PLACE, NAME = "a", "partner-0"


@st.composite
def mistakes(draw: st.DrawFn) -> Object:
    """An object of the team: its workload, or the first of its objects of Istio, as it may be by mistake."""
    return draw(st.sampled_from(sorted(_MAKERS)).flatmap(lambda kind: st.composite(_MAKERS[kind])()))


def _mounted(draw: st.DrawFn) -> Object:
    mounts = [(draw(st.sampled_from(("client", "spare", "absent"))), draw(st.sampled_from(DIRECTORIES)))]
    asked = {DESTINATIONS: draw(st.sampled_from(HOSTS))} if draw(st.booleans()) else {}
    return workload(PLACE, "shop", mounts, asked, hosts=draw(st.lists(st.sampled_from(HOSTS), max_size=1)))


def _injected(draw: st.DrawFn) -> Object:
    asked = {INJECT: draw(st.sampled_from(("client", "spare", "absent", "client,spare")))}
    if draw(st.booleans()):
        asked[DESTINATIONS] = draw(st.sampled_from(HOSTS))
    return workload(PLACE, "shop", [], asked)


def _malformed(draw: st.DrawFn) -> Object:
    found = workload(PLACE, "shop", [("client", draw(st.sampled_from(DIRECTORIES)))])
    annotations = found["spec"]["template"]["metadata"]["annotations"]
    name = draw(st.sampled_from(sorted(annotations)))
    annotations[name] = draw(st.sampled_from(("", "[]", "{", annotations[name] + ",", '[{"name":"v0"}]')))
    return found


def _rule(draw: st.DrawFn) -> Object:
    host = draw(st.sampled_from(HOSTS))
    files = draw(st.sampled_from(DIRECTORIES)), draw(st.sampled_from(KEYS))
    found = rule(PLACE, NAME, host, files, **exported(draw(HIDING)))
    form = draw(st.sampled_from(("", "", "mode", "port", "credential", "selector")))
    if form == "mode":
        found["spec"]["trafficPolicy"]["tls"]["mode"] = draw(st.sampled_from(("SIMPLE", "DISABLE", "ISTIO_MUTUAL")))
    elif form == "port":
        port = {"port": {"number": draw(st.sampled_from((80, 443, 8443)))}, "tls": tls(host, *files)}
        found["spec"]["trafficPolicy"] = {"portLevelSettings": [port]}
    elif form == "credential":
        found["spec"]["trafficPolicy"] = {"tls": {"mode": "MUTUAL", "credentialName": "client", "sni": host}}
    elif form == "selector":
        labels = {"app": draw(st.sampled_from(("shop", "other")))}
        found["spec"] = {**found["spec"], "exportTo": ["."], "workloadSelector": {"matchLabels": labels}}
    return found


def _entry(draw: st.DrawFn) -> Object:
    ports = draw(st.sampled_from(((PLAIN,), BOTH, HTTPS)))
    return entry(PLACE, NAME, draw(st.sampled_from(HOSTS)), draw(HIDING), ports)


def _route(draw: st.DrawFn) -> Object:
    host, to = draw(st.sampled_from(HOSTS)), draw(st.sampled_from(HOSTS))
    more: Object = draw(st.sampled_from(_PLACES))
    return istio("VirtualService", PLACE, NAME, {"hosts": [host], "http": [destination(to, **more)]})


def _sidecar(draw: st.DrawFn) -> Object:
    hosts = draw(st.sampled_from((["./*"], ["b/*"], ["*/pay.partner.example"])))
    return istio("Sidecar", PLACE, "default", {"egress": [{"hosts": hosts}]})


_PLACES: tuple[Object, ...] = ({}, {"subset": "v2"}, {"subset": "secured"}, {"port": {"number": 443}})
_MAKERS: Mapping[str, Callable[[st.DrawFn], Object]] = {
    "mounted": _mounted,
    "injected": _injected,
    "malformed": _malformed,
    "rule": _rule,
    "entry": _entry,
    "route": _route,
    "sidecar": _sidecar,
}
