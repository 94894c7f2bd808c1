"""Setups that work, and the orders in which tools send their objects; for the law that no denial stops a tool."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from certs.vocabulary import fill

Object = Mapping[str, Any]
KEYS = ("tls.crt", "tls.key", "ca.crt")
FORMS = ("files", "injection", "credential")
PRODUCERS = ("Secret", "Certificate", "ExternalSecret", "SealedSecret", "VaultPKISecret", "SecretProviderClass")
DIRECTORIES = ("/etc/mtls", "/etc/certs", "/var/run/partner/tls")


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
            "Certificate": ("cert-manager.io", {"secretName": self.name}),
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


@st.composite
def setups(draw: st.DrawFn) -> tuple[Call, ...]:
    """One to three calls of one or two teams; each workload has its own host, Secret and DestinationRule."""
    count = draw(st.integers(1, 3))
    return tuple(
        Call(
            f"s{number}",
            draw(st.sampled_from(("one", "two"))),
            draw(st.sampled_from(FORMS)),
            draw(st.sampled_from(PRODUCERS)),
            draw(st.sampled_from(DIRECTORIES)),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        for number in range(count)
    )


@dataclass(frozen=True)
class Tool:
    """How a tool sends objects. first: kinds that it sends first, in this order; the others follow by their names.

    labels, annotations, manager: its signs. rehearses: it does a dry run of everything first.
    """

    name: str
    first: Sequence[str] = ()
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    manager: str = ""
    rehearses: bool = False

    def signed(self, one: Object) -> Object:
        """The object with the signs of the tool."""
        meta = one["metadata"]
        labels = {**meta.get("labels", {}), **dict(self.labels)}
        annotations = {**meta.get("annotations", {}), **dict(self.annotations)}
        return {**one, "metadata": {**meta, "labels": labels, "annotations": annotations}}

    def ordered(self, objects: Sequence[Object]) -> list[Object]:
        """The objects as it sends them; kubectl's order is that of the input."""
        if not self.first:
            return list(objects)
        return sorted(objects, key=lambda one: (*self._place(one["kind"]), one["metadata"]["name"]))

    def _place(self, kind: str) -> tuple[int, str]:
        return (self.first.index(kind), "") if kind in self.first else (len(self.first), kind)


SHAPES: Mapping[str, tuple[Call, ...]] = {
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
"""The releases that docs/releases.md lists, beside the worked example."""

BUILT_IN = ("Namespace", "Secret", "ConfigMap", "CustomResourceDefinition", "Service", "Deployment")
"""Of the kinds that occur here, those that all three tools send first, and in which order."""
TOOLS = (
    Tool("kubectl", manager="kubectl-client-side-apply"),
    Tool(
        "helm",
        BUILT_IN,
        (("app.kubernetes.io/managed-by", "Helm"),),
        (("meta.helm.sh/release-name", "r"), ("meta.helm.sh/release-namespace", "one")),
        "helm",
    ),
    Tool(
        "flux",
        BUILT_IN,
        (("kustomize.toolkit.fluxcd.io/name", "apps"), ("kustomize.toolkit.fluxcd.io/namespace", "flux-system")),
        manager="kustomize-controller",
        rehearses=True,
    ),
    Tool("argocd", BUILT_IN, (), (("argocd.argoproj.io/tracking-id", "a:x/y:z/w"),), "argocd-controller"),
)


def written_by_controllers(calls: Sequence[Call], existing: Sequence[Object]) -> Iterator[Object]:
    """The Secrets that controllers have made by now: of each producer that exists."""
    there = {(one["kind"], one["metadata"]["name"]) for one in existing}
    return (call.secret() for call in calls if call.producer != "Secret" and (call.producer, call.name) in there)
