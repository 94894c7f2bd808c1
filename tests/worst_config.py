"""The largest objects of Istio, and Secrets, that a tenant can send: a list or a text of each grows."""

import copy
from collections.abc import Callable
from typing import Any

from tests.worked import of_kind

Grown = dict[str, Any]
Grow = Callable[[int], Grown]


def _istio(kind: str, **spec: Any) -> Grown:
    grown = copy.deepcopy(dict(of_kind(kind)))
    grown["spec"].update(spec)
    return grown


def _tls(number: int) -> Grown:
    folder = f"/etc/mtls{number}"
    return {
        "mode": "MUTUAL",
        "clientCertificate": f"{folder}/cert",
        "privateKey": f"{folder}/key",
        "caCertificates": f"{folder}/cacert",
    }


def _secret(**texts: str) -> Grown:
    grown = copy.deepcopy(dict(of_kind("Secret")))
    grown["stringData"] |= texts
    return grown


def _certificates(count: int) -> Grown:
    data = of_kind("Secret")["stringData"]
    return _secret(cert=data["cert"] * count, cacert=data["cacert"] * count)


def _keys(count: int) -> Grown:
    return _secret(key=of_kind("Secret")["stringData"]["key"] * count)


def _certificates_by_key(count: int) -> Grown:
    certificate = of_kind("Secret")["stringData"]["cert"]
    return _secret(**{f"cert{number}": certificate for number in range(count)})


def _broken_blocks(count: int) -> Grown:
    text = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" * count
    return _secret(cert=text, cacert=text)


def _begins(count: int) -> Grown:
    """Blocks that begin and never end."""
    text = "-----BEGIN CERTIFICATE-----\n" * count
    return _secret(cert=text, key=text.replace("CERTIFICATE", "PRIVATE KEY"), cacert=text)


def _destination_rule_ports(count: int) -> Grown:
    ports = [{"port": {"number": 1 + number % 65535}, "tls": _tls(number)} for number in range(count)]
    return _istio("DestinationRule", trafficPolicy={"portLevelSettings": ports})


def _subsets(count: int, *, settings: bool) -> Grown:
    policy: Grown = {"trafficPolicy": {"tls": {}}} if settings else {}
    subsets = [{"name": f"s{number}", "labels": {"v": str(number)}} for number in range(count)]
    for number, subset in enumerate(subsets):
        if policy:
            subset["trafficPolicy"] = {"tls": _tls(number)}
    return _istio("DestinationRule", subsets=subsets)


def _subset_ports(count: int) -> Grown:
    """Few subsets with many ports each."""
    side = max(1, int(count**0.5))
    ports = [{"port": {"number": 1 + number}, "tls": _tls(number)} for number in range(side)]
    subsets = [{"name": f"s{n}", "trafficPolicy": {"portLevelSettings": ports}} for n in range(side)]
    return _istio("DestinationRule", subsets=subsets)


def _unknown_fields(count: int) -> Grown:
    grown = _istio("DestinationRule")
    return {**grown, "spec": {**grown["spec"], **{f"unknownField{number}": 1 for number in range(count)}}}


def _near_fields(count: int) -> Grown:
    grown = _istio("DestinationRule")
    tls = {f"clientcertificat{number}": "x" for number in range(count)}
    return {**grown, "spec": {**grown["spec"], "trafficPolicy": {"tls": {**_tls(1), **tls}}}}


def _key_at(path: str) -> Grown:
    return _istio("DestinationRule", trafficPolicy={"tls": {**_tls(1), "privateKey": path}})


def _routes(count: int, **matches: Any) -> Grown:
    route = [{"destination": {"host": "external.system.com", "port": {"number": 443}}}]
    http = [{"match": [{"headers": {"x": {"exact": str(n)}}}], "route": route, **matches} for n in range(count)]
    return _istio("VirtualService", http=http)


def _targets(count: int) -> Grown:
    route = [
        {"destination": {"host": f"h{n}.system.com", "subset": f"s{n}", "port": {"number": 443}}} for n in range(count)
    ]
    return _istio("VirtualService", http=[{"route": route}])


def _gateway_hosts(count: int) -> Grown:
    servers = [
        {"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": [f"h{n}.x"]} for n in range(count)
    ]
    meta = {"name": "g", "namespace": "devel"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": meta, "spec": {"servers": servers}}


def _entry_ports(count: int) -> Grown:
    ports = [{"number": n + 1, "name": f"p{n}", "protocol": "HTTP"} for n in range(count)]
    return _istio("ServiceEntry", ports=ports)


def _egress(count: int) -> Grown:
    meta = {"name": "default", "namespace": "devel"}
    spec = {"egress": [{"hosts": [f"./h{n}.system.com" for n in range(count)]}]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": meta, "spec": spec}


def _listeners(count: int) -> Grown:
    meta = {"name": "default", "namespace": "devel"}
    spec = {"egress": [{"port": {"number": n + 1}, "hosts": [f"./h{n}.system.com"]} for n in range(count)]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": meta, "spec": spec}


ISTIO: dict[str, Grow] = {
    "subsets with tls": lambda n: _subsets(n, settings=True),
    "subsets without tls": lambda n: _subsets(n, settings=False),
    "ports of subsets": _subset_ports,
    "portLevelSettings": _destination_rule_ports,
    "unknown fields": _unknown_fields,
    "misspelt fields": _near_fields,
    "depth of paths": lambda n: _istio(
        "DestinationRule", trafficPolicy={"tls": {**_tls(1), "privateKey": "/a" * n * 20}}
    ),
    "length of paths": lambda n: _istio(
        "DestinationRule", trafficPolicy={"tls": {**_tls(1), "privateKey": "a" * n * 20}}
    ),
    "exportTo": lambda n: _istio("DestinationRule", exportTo=[f"n{k}" for k in range(n)]),
    "workloadSelector": lambda n: _istio(
        "DestinationRule", workloadSelector={"matchLabels": {f"l{k}": "v" for k in range(n)}}
    ),
    "VirtualService routes": _routes,
    "VirtualService destinations": _targets,
    "VirtualService hosts": lambda n: _istio("VirtualService", hosts=[f"h{k}.system.com" for k in range(n)]),
    "ServiceEntry hosts": lambda n: _istio(
        "ServiceEntry", hosts=["external.system.com", *(f"h{k}.system.com" for k in range(n))]
    ),
    "ServiceEntry ports": _entry_ports,
    "ServiceEntry exportTo": lambda n: _istio("ServiceEntry", exportTo=[f"n{k}" for k in range(n)]),
    "ServiceEntry endpoints": lambda n: _istio("ServiceEntry", endpoints=[{"address": f"h{k}"} for k in range(n)]),
    "Sidecar egress hosts": _egress,
    "Sidecar listeners": _listeners,
    "Gateway servers": _gateway_hosts,
}
SECRET: dict[str, Grow] = {
    "data keys": lambda n: _secret(**{f"more{k}": "x" for k in range(n)}),
    "certificates": _certificates,
    "private keys": _keys,
    "certificates in as many data keys": _certificates_by_key,
    "broken PEM blocks": _broken_blocks,
    "PEM blocks without end": _begins,
    "lines that are no PEM": lambda n: _secret(cert="-----BEGIN \n" * n),
    "dashes": lambda n: _secret(cert="-" * n),
}
