"""The client certificate of a DestinationRule is not overridden by proxy metadata.

## Why

If `ISTIO_META_TLS_CLIENT_CERT_CHAIN` is set in its environment (by `proxyMetadata` or a custom container istio-proxy),
a sidecar presents that certificate to every service of the mesh, regardless of the DestinationRule. Since Istio 1.24
this does not affect hosts with `location: MESH_EXTERNAL`.

## Fix

Remove the variable, or set `location: MESH_EXTERNAL` on the ServiceEntry of a host outside the mesh.

## Source

pilot/pkg/networking/core/cluster_tls.go, `applyUpstreamTLSSettings` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.proxy_metadata import client_files
from webhook.model.chain import Origination
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per host of the mesh whose rule names files in vain."""
    if not picture.intents:
        return
    chain = client_files(picture.pod, picture.view.mesh)[0]
    if not chain:
        return
    users = (user for files in picture.intents for user in picture.groups[files] if not user.service.external)
    for user in {origination.service.host: origination for origination in users}.values():
        yield _overridden(user, chain)


def _overridden(user: Origination, chain: str) -> Violation:
    problem = f"is overridden for {user.goal} by ISTIO_META_TLS_CLIENT_CERT_CHAIN={quote(chain)}"
    fix = "remove that variable, or set location: MESH_EXTERNAL on the host"
    return Violation(user.rule.ref, user.tls.path, problem, fix, certain=False)


RULE = RuleMetadata(
    title="Proxy metadata overrides the client certificate of a DestinationRule",
    severity=Severity.WARN,
    about="workload",
    over="intents",
    reads=CHAINS | WORKLOADS,
)
