"""Reads the two kinds that make a host known to Istio: a Kubernetes Service, and each host of a ServiceEntry.

Leaves to `istio.pilot.services` who sees them. Behaviour: Istio 1.31, pilot/pkg/serviceregistry and pkg/config/kube.
"""

from dataclasses import replace

from webhook.kinds.destination_rule import ref_of
from webhook.kinds.list_limits import entries, names
from webhook.model.finding import ObjectRef
from webhook.model.mesh import Service, ServicePort
from webhook.model.raw_object import Manifest, mapping, number, text, texts

EXPORT_TO = "networking.istio.io/exportTo"
"""Annotation of a Service: namespaces that see it, comma separated."""

PROTOCOLS = frozenset(
    {"TCP", "UDP", "GRPC", "GRPC-WEB", "HTTP", "HTTP_PROXY", "HTTP2", "HTTPS", "TLS", "MONGO", "REDIS", "MYSQL"}
)
"""What Istio knows; anything else is told from the traffic, and reads as ''."""

_APP_PROTOCOLS = {"kubernetes.io/h2c": "HTTP2", "kubernetes.io/ws": "HTTP", "kubernetes.io/wss": "HTTPS"}
_ALWAYS_TCP = frozenset({25, 53, 3306, 27017})


def read_services(manifest: Manifest, cluster_domain: str = "cluster.local") -> tuple[Service, ...]:
    """The services that a Service or a ServiceEntry makes: one, or one for each host; odd fields read as absent."""
    if text(manifest.get("kind")) == "ServiceEntry":
        return _entry_services(manifest)
    return (_kubernetes_service(manifest, cluster_domain),)


def _kubernetes_service(manifest: Manifest, cluster_domain: str) -> Service:
    spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
    ref = ref_of(manifest, "Service")
    exported = texts(meta.get("annotations")).get(EXPORT_TO, "")
    addresses = names(spec.get("clusterIPs")) or (text(spec.get("clusterIP")),)
    return Service(
        ref=ref,
        host=f"{ref.name}.{ref.namespace}.svc.{cluster_domain}",
        ports=_ports(spec.get("ports"), "port"),
        export_to=tuple(part.strip() for part in exported.split(",")) if exported else (),
        external_name=text(spec.get("externalName")) if text(spec.get("type")) == "ExternalName" else "",
        addresses=tuple(address for address in addresses if address not in ("", "None")),
        created=text(meta.get("creationTimestamp")),
        labels=texts(meta.get("labels")),
        selector=texts(spec.get("selector")),
    )


def _entry_services(manifest: Manifest) -> tuple[Service, ...]:
    spec = mapping(manifest.get("spec"))
    ref = ref_of(manifest, "ServiceEntry")
    hosts = dict.fromkeys(host for host in names(spec.get("hosts")) if host)
    first = _entry_service(manifest, ref)
    return tuple(replace(first, host=host) for host in hosts)


def _entry_service(manifest: Manifest, ref: ObjectRef) -> Service:
    spec, meta = mapping(manifest.get("spec")), mapping(manifest.get("metadata"))
    return Service(
        ref=ref,
        host="",
        ports=_ports(spec.get("ports"), "number"),
        export_to=names(spec.get("exportTo")),
        external=text(spec.get("location")) != "MESH_INTERNAL",
        resolution=text(spec.get("resolution")) or "NONE",
        addresses=names(spec.get("addresses")),
        subject_alt_names=names(spec.get("subjectAltNames")),
        created=text(meta.get("creationTimestamp")),
        labels=texts(meta.get("labels")),
    )


def _ports(value: object, number_key: str) -> tuple[ServicePort, ...]:
    return tuple(
        _port(entry, count, f"spec.ports[{index}]", named=number_key == "port")
        for index, entry in enumerate(entries(value))
        if (count := number(mapping(entry).get(number_key))) is not None
    )


def _port(entry: Manifest, count: int, path: str, *, named: bool) -> ServicePort:
    name, target_port = text(entry.get("name")), entry.get("targetPort")
    protocol = _derived(entry, name, count) if named else _known(text(entry.get("protocol")))
    target = target_port if isinstance(target_port, str) else number(target_port)
    return ServicePort(count, name, protocol, target, path)


def _derived(entry: Manifest, name: str, count: int) -> str:
    """Protocol of a port of a Kubernetes Service: appProtocol, else the name up to its first dash."""
    if text(entry.get("protocol")).upper() == "UDP":
        return "UDP"
    app_protocol = entry.get("appProtocol")
    word = app_protocol if isinstance(app_protocol, str) else name
    if word is app_protocol and word in _APP_PROTOCOLS:
        return _APP_PROTOCOLS[word]
    if word[:8].lower() == "grpc-web":
        return "GRPC-WEB"
    return _known(word.partition("-")[0]) or ("TCP" if count in _ALWAYS_TCP else "")


def _known(word: str) -> str:
    return word.upper() if word.upper() in PROTOCOLS else ""
