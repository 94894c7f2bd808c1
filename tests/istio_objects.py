"""Small builders for Istio's objects and a config of them, so that a test writes only what it is about."""

from webhook.istio.pilot.client_config import ClientConfig, IstioConfig
from webhook.istio.pilot.destination_rules import RuleIndex
from webhook.istio.pilot.service_index import ServiceIndex
from webhook.istio.pilot.sidecar_scope import SidecarIndex
from webhook.istio.pilot.virtual_services import RouteIndex
from webhook.model.finding import ObjectRef
from webhook.model.mesh import (
    DestinationRule,
    EgressListener,
    FileSet,
    Mesh,
    PortPolicy,
    Route,
    RouteTarget,
    Service,
    ServicePort,
    Sidecar,
    Subset,
    TlsSettings,
    TrafficPolicy,
    VirtualService,
)

NETWORKING = "networking.istio.io/v1"
HOST = "external.system.com"
FILES = FileSet("/etc/mtlsfiles/cert", "/etc/mtlsfiles/key", "/etc/mtlsfiles/cacert")
ROOT = "istio-system"


def files(directory: str) -> FileSet:
    """The three usual files in a directory."""
    return FileSet(f"{directory}/cert", f"{directory}/key", f"{directory}/cacert")


def mutual(read: FileSet = FILES, path: str = "tls", **more: object) -> TlsSettings:
    """A MUTUAL block."""
    return TlsSettings("MUTUAL", path, read, **more)  # type: ignore[arg-type]


def policy(tls: TlsSettings | None = None, ports: dict[int, TlsSettings | None] | None = None) -> TrafficPolicy:
    """A trafficPolicy with a tls block and port entries."""
    entries = (PortPolicy(port, block, f"port {port}") for port, block in (ports or {}).items())
    return TrafficPolicy("policy", tls, tuple(entries))


def rule(name: str = "rule", namespace: str = "client", host: str = HOST, **more: object) -> DestinationRule:
    """A DestinationRule, MUTUAL at the top with files in a directory of its own name, unless told otherwise."""
    more.setdefault("policy", policy(mutual(files(f"/{name}"))))
    more.setdefault("created", "2026-01-01T00:00:00Z")
    return DestinationRule(ObjectRef(NETWORKING, "DestinationRule", namespace, name), host, **more)  # type: ignore[arg-type]


def subset(name: str, own: TrafficPolicy | None = None) -> Subset:
    """A subset of a rule."""
    return Subset(name, f"subset {name}", {}, own)


def entry(host: str = HOST, namespace: str = "project", name: str = "entry", **more: object) -> Service:
    """One host of a ServiceEntry, with an HTTPS port 443 unless told otherwise."""
    more.setdefault("ports", (ServicePort(443, "https", "HTTPS"),))
    more.setdefault("external", True)
    more.setdefault("created", "2026-01-01T00:00:00Z")
    return Service(ObjectRef(NETWORKING, "ServiceEntry", namespace, name), host, **more)  # type: ignore[arg-type]


def kubernetes(name: str, namespace: str, **more: object) -> Service:
    """A Kubernetes Service with an http port."""
    more.setdefault("ports", (ServicePort(80, "http", "HTTP"),))
    more.setdefault("created", "2026-01-01T00:00:00Z")
    host = str(more.pop("host", f"{name}.{namespace}.svc.cluster.local"))
    return Service(ObjectRef("v1", "Service", namespace, name), host, **more)  # type: ignore[arg-type]


def sidecar(*hosts: str, namespace: str = "client", name: str = "default", **more: object) -> Sidecar:
    """A Sidecar with one egress listener for these hosts; none at all without any."""
    port = more.pop("port", None)
    egress = (EgressListener(hosts, port),) if hosts else None  # type: ignore[arg-type]
    return Sidecar(ObjectRef(NETWORKING, "Sidecar", namespace, name), egress=egress, **more)  # type: ignore[arg-type]


def route(*targets: RouteTarget, kind: str = "http", ports: tuple[int, ...] = (), conditional: bool = False) -> Route:
    """One route to the targets."""
    return Route(kind, ports, targets, (), conditional)


def virtual(
    *routes: Route, hosts: tuple[str, ...] = (HOST,), namespace: str = "project", **more: object
) -> VirtualService:
    """A VirtualService."""
    name = str(more.pop("name", "routes"))
    return VirtualService(ObjectRef(NETWORKING, "VirtualService", namespace, name), hosts, routes, **more)  # type: ignore[arg-type]


def config(*objects: object, mesh: Mesh | None = None) -> IstioConfig:
    """A config that holds the objects, put in the given order."""
    held = IstioConfig(mesh or Mesh(), RuleIndex(), ServiceIndex(), RouteIndex(), SidecarIndex())
    for one in objects:
        put(held, one)
    return held


def put(held: IstioConfig, one: object) -> None:
    """Puts one object into the index of its kind."""
    if isinstance(one, DestinationRule):
        held.rules.put(one)
    elif isinstance(one, Service):
        held.services.put(one)
    elif isinstance(one, VirtualService):
        held.routes.put(one)
    elif isinstance(one, Sidecar):
        held.sidecars.put(one)


def remove(held: IstioConfig, one: object) -> None:
    """Removes one object from the index of its kind."""
    if isinstance(one, DestinationRule):
        held.rules.remove(one.ref)
    elif isinstance(one, Service):
        held.services.remove(one.ref)
    elif isinstance(one, VirtualService):
        held.routes.remove(one.ref)
    elif isinstance(one, Sidecar):
        held.sidecars.remove(one.ref)


def tls_blocks(client: ClientConfig, host: str, port: int, subset: str = "") -> list[TlsSettings]:
    """The tls blocks that apply to calls of a client to a host, port and subset, also those for some of its pods."""
    decision = client.decision(host)
    shares = decision.shares if decision else ()
    return [
        each.tls for share in shares for each in share.originations if (each.port.number, each.subset) == (port, subset)
    ]
