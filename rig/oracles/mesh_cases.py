"""Generates small meshes: services, DestinationRules, Sidecars, VirtualServices, and the sidecars that ask."""

from collections.abc import Iterator
from random import Random

from rig.oracles.asking import Json
from rig.oracles.rule_cases import DOMAIN, HOSTS, LABELS, NAMES, PORTS, ROOT, SUBSETS, RuleMaker

ENTRY_PORTS = (
    {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443},
    {"number": 443, "name": "https", "protocol": "HTTPS"},
    {"number": 8443, "name": "tls", "protocol": "TLS"},
    {"number": 9000, "name": "tcp", "protocol": "TCP"},
    {"number": 53, "name": "dns", "protocol": "UDP"},
)
SERVICE_PORTS = (
    {"port": 80, "name": "http", "targetPort": 8080},
    {"port": 443, "name": "https"},
    {"port": 9000, "name": "odd", "appProtocol": "http"},
    {"port": 53, "name": "dns", "protocol": "UDP"},
)


def mesh_cases(seed: int, count: int) -> Iterator[Json]:
    """So many meshes, the same ones for the same seed."""
    for number in range(count):
        yield _Maker(Random(f"mesh {seed} {number}")).case()  # noqa: S311  cases, no secrets


class _Maker(RuleMaker):
    """Makes one mesh."""

    def case(self) -> Json:
        objects = [self.service() for _ in self.some(3)] + [self.entry() for _ in self.some(4, 1)]
        objects += [self.rule() for _ in self.some(7, 1)]
        objects += [self.sidecar() for _ in self.some(2)] if self.maybe(0.3) else []
        objects += [self.route() for _ in self.some(2)] if self.maybe(0.3) else []
        self.dice.shuffle(objects)
        proxies = [{"namespace": self.namespace(), "labels": self.dice.choice(LABELS)} for _ in range(4)]
        return {
            "objects": objects,
            "mesh": self.mesh(),
            "proxies": proxies,
            "unvalidated": self.unvalidated,
            "metadata": self.metadata(),
        }

    def mesh(self) -> Json:
        mesh: Json = {"rootNamespace": "other" if self.maybe(0.1) else ROOT}
        for key in ("defaultDestinationRuleExportTo", "defaultServiceExportTo", "defaultVirtualServiceExportTo"):
            if self.maybe(0.1):
                mesh[key] = self.dice.choice((["."], ["*"], ["."], ["client"], ["~"]))
        return mesh

    def metadata(self) -> dict[str, str]:
        """What the proxies report of a client certificate of their own, in one mesh of ten."""
        if not self.maybe(0.1):
            return {}
        return {
            "TLS_CLIENT_CERT_CHAIN": "/own/cert",
            "TLS_CLIENT_KEY": "/own/key",
            "TLS_CLIENT_ROOT_CERT": self.dice.choice(("", "/own/ca")),
        }

    # -------------------------------------------------------------------------------------------- services

    def service(self) -> Json:
        spec: Json = {"ports": self.ports(SERVICE_PORTS), "clusterIP": "10.0.0.1", "selector": {"app": "a"}}
        if self.maybe(0.1):
            spec["clusterIP"] = "None"
        elif self.maybe(0.08):
            spec = {"type": "ExternalName", "externalName": "external.system.com", "ports": spec["ports"]}
        service = self.object("Service", spec, version="v1", name=self.dice.choice(NAMES))
        if self.maybe(0.2):
            service["metadata"]["annotations"] = {"networking.istio.io/exportTo": ", ".join(self.export_to("~"))}
        return service

    def entry(self) -> Json:
        hosts = self.dice.sample(HOSTS, self.dice.choice((1, 1, 2)))
        spec: Json = {"hosts": hosts, "ports": self.ports(ENTRY_PORTS), **self.resolution(hosts)}
        if self.maybe(0.4):
            spec["location"] = self.dice.choice(("MESH_EXTERNAL", "MESH_INTERNAL"))
        if self.maybe(0.2):
            spec["exportTo"] = self.export_to("~")
        if self.maybe(0.2):
            spec["subjectAltNames"] = [f"entry{self.dice.randrange(9)}.system.com"]
        return self.object("ServiceEntry", spec)

    def resolution(self, hosts: list[str]) -> Json:
        """How the entry's endpoints are found; Istio's validation wants some kinds of host and endpoint for some."""
        wild = any(host.startswith("*") for host in hosts)
        kind = self.dice.choice(("", "NONE", "DYNAMIC_DNS") if wild else ("NONE", "STATIC", "DNS", "DNS", "DNS"))
        spec: Json = {"resolution": kind} if kind else {}
        if kind == "STATIC" or (kind == "DNS" and self.maybe(0.3)):
            spec["endpoints"] = [self.endpoint(kind) for _ in self.some(2, 1)]
        return spec

    def endpoint(self, kind: str) -> Json:
        address = "1.2.3.4" if kind == "STATIC" else "elsewhere.com"
        return {"address": address, "labels": {"version": self.dice.choice(SUBSETS)}}

    def ports(self, kinds: tuple[Json, ...]) -> list[Json]:
        return self.dice.sample(kinds, self.dice.choice((1, 1, 2, 3)))

    # -------------------------------------------------------------------------------------------- sidecars and routes

    def sidecar(self) -> Json:
        spec: Json = {}
        if self.maybe(0.95):
            spec["egress"] = [self.listener(number) for number in self.some(2, 1)]
        if self.maybe(0.3):
            spec["workloadSelector"] = {"labels": self.dice.choice(LABELS[1:])}
        return self.object("Sidecar", spec)

    def listener(self, number: int) -> Json:
        hosts = [f"{self.owner()}/{self.dice.choice(('*', *HOSTS, f'*.{DOMAIN}'))}" for _ in self.some(3, 1)]
        listener: Json = {"hosts": list(dict.fromkeys(hosts))}
        if self.maybe(0.2) or not number:
            port = self.dice.choice(PORTS)
            listener["port"] = {"number": port, "protocol": self.dice.choice(("HTTP", "TCP")), "name": f"port{number}"}
        return listener

    def owner(self) -> str:
        owner = self.dice.choice(("*", "*", ".", "client", "project", "other", "~"))
        return f"~{self.dice.choice(('*', 'project'))}" if self.maybe(0.1) else owner

    def route(self) -> Json:
        hosts = [self.dice.choice(HOSTS)]
        destination: Json = {"host": self.dice.choice((*HOSTS[:3], HOSTS[-1], "api"))}
        if self.maybe(0.4):
            destination["subset"] = self.dice.choice(SUBSETS)
        if self.maybe(0.5):
            destination["port"] = {"number": self.dice.choice(PORTS)}
        spec: Json = {"hosts": hosts, "http": [{"route": [{"destination": destination}]}]}
        if self.maybe(0.2):
            spec["exportTo"] = self.export_to()
        if self.maybe(0.15):
            spec["gateways"] = self.dice.choice((["mesh"], ["edge"], ["edge", "mesh"]))
        return self.object("VirtualService", spec)
