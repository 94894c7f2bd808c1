"""The picture of one DestinationRule without its clients: the services of its host, and the TLS that it configures.

It does not depend on a client: the reason why a DestinationRule does not apply to one client is a Miss in the picture
of that workload. So its faults are computed once for all workloads. `inbound_routes` computes the calls to its host.
"""

from dataclasses import replace
from enum import Enum

from webhook.istio.pilot.client_tls import MOST_ORIGINATIONS, Kind, metadata_files, originations, outcome
from webhook.istio.pilot.config_store import IstioConfig
from webhook.istio.pilot.destination_rule_merge import merge
from webhook.istio.pilot.hosts import is_wildcard
from webhook.istio.pilot.route_resolution import Call
from webhook.kinds.list_limits import cut_short
from webhook.model.chain import Origination
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import ObjectRef
from webhook.model.mesh import DestinationRule, Service, TlsSettings
from webhook.trace.cached import cached
from webhook.trace.inbound_routes import arrivals
from webhook.view import ClusterView

USE_WAYPOINT = "istio.io/use-waypoint"
"""Label of a Service, ServiceEntry or Namespace; its value is the name of a waypoint, or `none`."""

PRESENTING = frozenset({Kind.MUTUAL, Kind.CREDENTIAL})
"""The outcomes of a tls block with which the server receives the intended client certificate."""


class Stage(Enum):
    """Why the DestinationRule is examined, which decides how certain mtls-guard is of a missing object."""

    ARRIVING = "arriving"  # it is being applied: the objects that it needs, and its clients, may follow
    STANDING = "standing"  # it exists, and no other object is expected to follow
    MEANT = "meant"  # it exists, and a workload in view means to use it
    AWAITING = "awaiting"  # a workload that is being applied means to use it: objects that both need may follow

    @property
    def used(self) -> bool:
        """Whether a workload means to use the DestinationRule."""
        return self in (Stage.MEANT, Stage.AWAITING)

    @property
    def settled(self) -> bool:
        """Whether no further object is expected to follow."""
        return self in (Stage.STANDING, Stage.MEANT)


class DestinationPicture:
    """Everything that rules may ask about one DestinationRule. Each attribute is computed at its first use and kept."""

    def __init__(
        self, rule: DestinationRule, view: ClusterView, horizon: Horizon, stage: Stage = Stage.STANDING
    ) -> None:
        """stage: why the DestinationRule is examined."""
        self.rule = rule
        self.view = view
        self.horizon = horizon
        self.stage = stage

    @property
    def ref(self) -> ObjectRef:
        """The reference of the DestinationRule, as findings name it."""
        return self.rule.ref

    @property
    def complete(self) -> bool:
        """Whether the view has every object of the cluster, so that an object that is not in view does not exist."""
        return self.view.complete

    @property
    def settled(self) -> bool:
        """Whether an object that is not in view does not exist, and is not expected to follow the DestinationRule."""
        return self.view.complete and self.stage.settled

    def may_follow(self, ref: ObjectRef) -> bool:
        """Whether an object in the namespace of the DestinationRule, which takes precedence, may still follow."""
        return not self.stage.settled and ref.namespace != self.ref.namespace

    @cached
    def settings(self) -> tuple[TlsSettings, ...]:
        """Every tls block of the DestinationRule."""
        return self.rule.settings()

    @cached
    def client_settings(self) -> tuple[TlsSettings, ...]:
        """The tls blocks about a client certificate; without one, mtls-guard ignores the DestinationRule."""
        return tuple(tls for tls in self.settings if about_client(tls)) if self.settings else ()

    @cached
    def config(self) -> IstioConfig:
        """Istio's objects, with short hosts completed by the mesh's own cluster domain."""
        config, domain = self.view.config, self.view.mesh.cluster_domain
        return replace(config, rules=config.rules.in_domain(domain), routes=config.routes.in_domain(domain))

    @cached
    def host(self) -> str:
        """The host of the DestinationRule, as Istio resolves it in the namespace of the DestinationRule."""
        return self.config.rules.host(self.rule)

    @cached
    def services(self) -> tuple[Service, ...]:
        """The services of the host in all namespaces; for a wildcard, of every host that it matches."""
        services = self.config.services
        if not is_wildcard(self.host):
            return services.of_host(self.host)
        return tuple(service for host in sorted(services.hosts(self.host)) for service in services.of_host(host))

    @cached
    def originations(self) -> tuple[Origination, ...]:
        """Per service, port and subset: the tls block that applies there, unless another DestinationRule wins."""
        entry = merge((self.rule,))[0]
        return tuple(origination for service in self.services for origination in originations(entry, service))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The parts of the DestinationRule that are too long to be evaluated, in words."""
        subsets = 1 + sum(subset.policy is not None for subset in self.rule.subsets)
        count = max((len(service.ports) * subsets for service in self.services), default=0) if self.settings else 0
        many = cut_short("the product of the ports of a service and the subsets", count, MOST_ORIGINATIONS)
        return (*self.rule.left_out, many) if count > MOST_ORIGINATIONS else self.rule.left_out

    @cached
    def presenting(self) -> tuple[Origination, ...]:
        """The originations at which a client certificate is presented."""
        return tuple(
            origination for origination in self.originations if self.presents(origination.tls, origination.service)
        )

    def presents(self, tls: TlsSettings | None, service: Service) -> bool:
        """Whether this tls block makes sidecars present the client certificate that it names to the service."""
        metadata = metadata_files(self.view.mesh)
        selector = self.rule.selector is not None
        return outcome(tls, external=service.external, selector=selector, metadata=metadata).kind in PRESENTING

    @cached
    def calls(self) -> tuple[Call, ...]:
        """The plaintext calls that end at one of the hosts, through any VirtualService, each once."""
        hosts = dict.fromkeys(service.host for service in self.services)
        return tuple(call for host in hosts for call in arrivals(self.config, host, self.ref.namespace))

    @cached
    def ends(self) -> frozenset[tuple[str, int, str]]:
        """The destinations of these calls: host, service port and subset."""
        return frozenset((call.host, call.number, call.subset) for call in self.calls)

    @cached
    def used(self) -> tuple[Origination, ...]:
        """The presenting originations at which a call ends; without any, the DestinationRule has no effect."""
        return tuple(
            origination
            for origination in self.presenting
            if (origination.service.host, origination.port.number, origination.subset) in self.ends
        )

    @cached
    def for_gateway(self) -> bool:
        """Whether a gateway or waypoint calls one of the hosts, so that the DestinationRule may be for it."""
        if any(bound_to_waypoint(service, self.view) for service in self.services):
            return True
        hosts = {service.host for service in self.services}
        routes = (route for host in hosts for route in self.config.routes.naming(host).values())
        return any(gateway != "mesh" for route in routes for gateway in route.gateways)


def bound_to_waypoint(service: Service, view: ClusterView) -> bool:
    """Whether calls of ambient clients to the service go through a waypoint: its label, else that of its namespace.

    Source: pilot/pkg/serviceregistry/kube/controller/ambient/waypoints.go (Istio 1.31).
    """
    label = service.labels.get(USE_WAYPOINT, view.namespace(service.namespace).labels.get(USE_WAYPOINT, ""))
    return label not in ("", "none")


def about_client(tls: TlsSettings) -> bool:
    """Whether the tls block is about a client certificate: it names one, or would present one."""
    files = tls.files
    return bool(tls.mode == "MUTUAL" or files.client_certificate or files.private_key or tls.credential_name)
