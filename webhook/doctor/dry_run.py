"""Whether the API server really asks a replica: a known-bad object, as a dry run."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from secrets import token_hex

from webhook.doctor.check import Check, DoctorContext, follows_from
from webhook.kubeapi.client import ApiClient
from webhook.leader.probe import probe

_NETWORK = ("context deadline exceeded", "i/o timeout", "no route to host", "connection refused")
_CERTIFICATE = ("x509:", "tls:")
_WAY = "a NetworkPolicy, a firewall or a proxy (docs/install.md, Network)"


def check_reach(
    connection: ApiClient, found: DoctorContext, namespace: str, entries: Collection[str], wrong: Sequence[Check]
) -> Check:
    """entries: the names of those that may deny. wrong: what was found to be wrong before, which may be the cause."""
    outcome = probe(connection, replace(found, probe_namespace=namespace), entries, token_hex(16))
    if outcome.denied:
        told = "a known-bad DestinationRule was denied through the API server (a dry run)"
        return Check("reach", good=True, told=told)
    told = f"a known-bad DestinationRule in namespace {namespace} was not denied by us: {outcome.problem}"
    return Check("reach", good=False, told=told, remedy=_remedy(found, outcome.problem, wrong))


def _remedy(found: DoctorContext, told: str, wrong: Sequence[Check]) -> str:
    """One cause where it is known: a fault that was told above, or what the API server says itself."""
    if follows := follows_from(wrong):
        return follows
    if any(word in told for word in _CERTIFICATE):
        return f"the API server does not accept the certificate that is served; {found.logs}"
    if "no endpoints available" in told:
        slices = f"get endpointslices -l kubernetes.io/service-name={found.name}"
        return f"no replica is ready for the API server: {found.kubectl(slices)}"
    if any(word in told for word in _NETWORK):
        return f"the way from the API server to port {found.port} of the replicas is closed: {_WAY}"
    return (
        f'the API server cannot ask, and admits: its log says why after "failed calling webhook"; where that is a '
        f"timeout, see the way to port {found.port} of the replicas: {_WAY}"
    )
