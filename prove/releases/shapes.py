"""The releases that are tried: the worked example, and shapes with their Secret, or with what makes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from certs.vocabulary import WORKED_SECRET, fill

Object = Mapping[str, Any]
KEYS = ("tls.crt", "tls.key", "ca.crt")
WORKED = Path(__file__).resolve().parents[2] / "examples" / "worked"
ISSUER = "ca"
"""The ClusterIssuer that the Certificates name."""


@dataclass(frozen=True)
class Call:
    """One workload that calls one host. form: how it gets its certificate. producer: the kind that makes its Secret.

    private: its objects of Istio are exported to no other namespace. tls_port: plain calls go through a VirtualService.
    """

    name: str
    team: str
    form: str = "files"
    producer: str = "Secret"
    directory: str = "/etc/mtls"
    private: bool = True
    tls_port: bool = False

    @property
    def host(self) -> str:
        """The host that it calls."""
        return f"{self.name}.{self.team}.partner.example"

    def objects(self) -> list[Object]:
        """Everything that it needs, as one person writes it."""
        return [self.source(), self.entry(), self.rule(), self.workload(), *([self.route()] if self.tls_port else [])]

    def _meta(self, **more: Any) -> dict[str, Any]:
        return {"name": self.name, "namespace": self.team, **more}

    def secret(self) -> Object:
        """The Secret, as it or its producer's controller writes it."""
        data = dict(zip(KEYS, ("@client.cert", "@client.key", "@ca.cert"), strict=True))
        owner = {} if self.producer == "Secret" else {"annotations": {"cert-manager.io/issuer-name": "ca"}}
        return fill({"apiVersion": "v1", "kind": "Secret", "metadata": self._meta(**owner), "stringData": data})

    def source(self) -> Object:
        """The Secret, or the object that makes it."""
        if self.producer == "Secret":
            return self.secret()
        version, spec = self._producer()
        return {"apiVersion": version, "kind": self.producer, "metadata": self._meta(), "spec": spec}

    def _producer(self) -> tuple[str, dict[str, Any]]:
        made: dict[str, tuple[str, dict[str, Any]]] = {
            "Certificate": ("cert-manager.io", self._certificate()),
            "ExternalSecret": ("external-secrets.io", {"data": [{"secretKey": key} for key in KEYS]}),
            "SealedSecret": ("bitnami.com", {"encryptedData": dict.fromkeys(KEYS, "Ag")}),
            "VaultPKISecret": (
                "secrets.hashicorp.com",
                {"destination": {"create": True, "name": self.name, "transformation": {"templates": {"a": {}}}}},
            ),
            "SecretProviderClass": (
                "secrets-store.csi.x-k8s.io",
                {"secretObjects": [{"secretName": self.name, "data": [{"key": key} for key in KEYS]}]},
            ),
        }
        group, spec = made[self.producer]
        return f"{group}/v1", spec

    def _certificate(self) -> dict[str, Any]:
        issuer = {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": ISSUER}
        return {
            "secretName": self.name,
            "commonName": self.name,
            "dnsNames": [self.host],
            "usages": ["client auth"],
            "issuerRef": issuer,
        }

    def entry(self) -> Object:
        """The ServiceEntry; with a TLS port, plain calls get there through the VirtualService."""
        plain = {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 443}
        secured = {"number": 443, "name": "https", "protocol": "HTTPS"}
        spec: dict[str, Any] = {"hosts": [self.host], "location": "MESH_EXTERNAL", "resolution": "DNS"}
        spec["ports"] = [{**plain, "targetPort": 80}, secured] if self.tls_port else [plain]
        return self._istio("ServiceEntry", spec | self._exported())

    def rule(self) -> Object:
        """The DestinationRule."""
        tls: dict[str, Any] = {"mode": "MUTUAL", "sni": self.host}
        spec: dict[str, Any] = {"host": self.host}
        if self.form == "credential":
            tls["credentialName"] = self.name
            spec["workloadSelector"] = {"matchLabels": {"app": self.name}}
        else:
            paths = (f"{self.directory}/{key}" for key in KEYS)
            tls |= dict(zip(("clientCertificate", "privateKey", "caCertificates"), paths, strict=True))
        port = {"portLevelSettings": [{"port": {"number": 443}, "tls": tls}]}
        spec["trafficPolicy"] = port if self.tls_port else {"tls": tls}
        return self._istio("DestinationRule", spec | self._exported())

    def route(self) -> Object:
        """The VirtualService that sends plain calls to the TLS port."""
        to = {"destination": {"host": self.host, "port": {"number": 443}}}
        spec = {"hosts": [self.host], "http": [{"match": [{"port": 80}], "route": [to]}]}
        return self._istio("VirtualService", spec | self._exported())

    def _exported(self) -> dict[str, Any]:
        return {"exportTo": ["."]} if self.private else {}

    def _istio(self, kind: str, spec: Mapping[str, Any]) -> Object:
        return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": self._meta(), "spec": spec}

    def workload(self) -> Object:
        """The Deployment."""
        template = {"metadata": {"labels": {"app": self.name}, "annotations": self._annotations()}}
        labels = {"matchLabels": {"app": self.name}}
        spec = {"replicas": 0, "selector": labels, "template": {**template, "spec": POD}}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self._meta(), "spec": spec}

    def _annotations(self) -> dict[str, str]:
        if self.form == "credential":
            return {}
        if self.form == "injection":
            return {"mtls-guard.io/client-secret": self.name, "mtls-guard.io/destinations": self.host}
        return {
            "sidecar.istio.io/userVolume": f'[{{"name":"c","secret":{{"secretName":"{self.name}"}}}}]',
            "sidecar.istio.io/userVolumeMount": f'[{{"name":"c","mountPath":"{self.directory}"}}]',
        }


POD = {"containers": [{"name": "app", "image": "app"}]}


def namespace(name: str) -> Object:
    """A namespace with injection, which is there before anything else."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"istio-injection": "enabled"}},
    }


@dataclass(frozen=True)
class Worked:
    """The worked example, in its own namespaces, whatever team is asked for; no Pods, since none could run."""

    team: str = "devel"
    name: str = "sample-app"
    producer: str = "Secret"

    def objects(self) -> list[Object]:
        """Everything but the namespaces."""
        return [self.secret(), *_in_file("istio.yaml"), self.workload()]

    def secret(self) -> Object:
        """Its Secret."""
        return fill(yaml.safe_load(WORKED_SECRET))

    def workload(self) -> Object:
        """Its Deployment."""
        (deployment,) = _in_file("deployment.yaml")
        return {**deployment, "spec": {**deployment["spec"], "replicas": 0}}

    def namespaces(self) -> list[Object]:
        """What is there before."""
        return _in_file("namespaces.yaml")


Part = Call | Worked
"""A workload of a release with all that it needs."""


def _in_file(name: str) -> list[Object]:
    """The objects of a file of the worked example."""
    return list(yaml.safe_load_all((WORKED / name).read_text(encoding="utf-8")))


SHAPES: Mapping[str, tuple[Part, ...]] = {
    "worked example": (Worked(),),
    "Secret in the release": (Call("a", "one"),),
    "Certificate": (Call("a", "one", producer="Certificate"),),
    "ExternalSecret": (Call("a", "one", producer="ExternalSecret"),),
    "SealedSecret": (Call("a", "one", producer="SealedSecret"),),
    "VaultPKISecret": (Call("a", "one", producer="VaultPKISecret"),),
    "SecretProviderClass": (Call("a", "one", producer="SecretProviderClass"),),
    "credentialName, Certificate": (Call("a", "one", "credential", "Certificate"),),
    "injection, Certificate": (Call("a", "one", "injection", "Certificate"),),
    "TLS port and VirtualService, Certificate": (Call("a", "one", producer="Certificate", tls_port=True),),
    "two workloads, two Certificates": (
        Call("a", "one", producer="Certificate"),
        Call("b", "one", producer="Certificate", directory="/etc/certs"),
    ),
    "two workloads, injection and files": (
        Call("a", "one", "injection", "ExternalSecret"),
        Call("b", "one", producer="Certificate", directory="/etc/certs"),
    ),
}
"""The releases that docs/releases.md lists."""

EARLIER = Call("earlier", "one", directory="/etc/earlier")
"""What a release consists of before an upgrade adds a shape to it."""


def in_team(parts: Sequence[Part], team: str) -> list[Part]:
    """The same parts in this namespace; the worked example stays in its own."""
    return [part if isinstance(part, Worked) else replace(part, team=team) for part in parts]


def objects_of(parts: Sequence[Part]) -> list[Object]:
    """What is in the release, the workloads first, as files sorted by their names would have it."""
    return sorted((one for part in parts for one in part.objects()), key=lambda one: one["kind"] != "Deployment")


def written_by_controllers(parts: Sequence[Part], existing: Sequence[Object]) -> Iterator[Object]:
    """The Secrets that controllers have made by now: of each producer that exists."""
    there = {(one["kind"], one["metadata"]["name"]) for one in existing}
    return (part.secret() for part in parts if part.producer != "Secret" and (part.producer, part.name) in there)
