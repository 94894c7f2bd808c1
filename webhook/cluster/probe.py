"""The probe: a known-bad DestinationRule, submitted as a dry run, must be denied by an entry of ours.

It shows that the API server asks us, trusts our certificate, understands our answer and hands it on. Nothing is stored.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from webhook.cluster.asking import Api
from webhook.cluster.errors import ClusterError, NotFound
from webhook.cluster.resource import Resource

NAME = "mtls-guard-probe"
DESTINATION_RULES = Resource("networking.istio.io", "v1", "destinationrules", "DestinationRule")
_TLS = {
    "mode": "MUTUAL",
    "clientCertificate": "/etc/mtls~guard/cert",
    "privateKey": "/etc/mtls-guard/key/",
    "caCertificates": "/etc/mtls-guard/cacert ",
}
"""Three faults of three rules (path-with-tilde, path-is-directory, path-with-blank): a policy without one of them still
denies it. Istio's own validation accepts it, and else could be the one to deny."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. told: for people; why it proves nothing, where it was not denied by us."""

    denied: bool
    told: str


def probe_rule(namespace: str) -> dict[str, Any]:
    """The known-bad rule; it would concern nobody, even if it were stored."""
    return {
        "apiVersion": DESTINATION_RULES.api_version,
        "kind": DESTINATION_RULES.kind,
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"host": "probe.mtls-guard.invalid", "exportTo": ["."], "trafficPolicy": {"tls": _TLS}},
    }


def probe(api: Api, namespace: str, entries: Collection[str]) -> Outcome:
    """Submits the rule as a dry run. entries: the names of those that count as ours."""
    try:
        api.create(DESTINATION_RULES, probe_rule(namespace), {"dryRun": "All", "fieldManager": NAME})
    except NotFound:
        return Outcome(denied=False, told="there are no DestinationRules in this cluster, or no such namespace")
    except ClusterError as error:
        ours = any(f'admission webhook "{entry}" denied the request' in str(error) for entry in entries)
        return Outcome(denied=ours, told=str(error))
    return Outcome(denied=False, told="it was admitted: the API server did not ask us, or could not")
