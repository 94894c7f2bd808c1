"""The ConfigMap `istio-ca-crl` is empty or missing in namespaces where a DestinationRule names certificate files.

## Why

Istio adds the revocation list of the mesh's CA to every trust bundle of the sidecar, including the CA file that a
DestinationRule names in `caCertificates`. The sidecar then has no revocation list for the partner's CA and rejects the
partner's certificate: `unable to get certificate CRL`. This was observed with Istio of August 2026 and Envoy 1.40;
other versions may differ.

## Fix

Set `PILOT_ENABLE_CA_CRL=false` on istiod, or test the call before you rely on it.

## Source

security/pkg/nodeagent/sds/sdsservice.go (Istio 1.31). Seen with real traffic.
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, CONFIG_MAPS, WORKLOADS
from webhook.trace.workload import WorkloadPicture

NAME, KEY = "istio-ca-crl", "ca-crl.pem"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, on the ConfigMap, for a workload that uses a rule with files."""
    if not picture.intents or not picture.view.mesh.crl_in_every_sidecar:
        return
    namespace = picture.workload.namespace
    facts = picture.view.config_map(namespace, NAME)
    crl = facts.keys.get(KEY) if facts is not None else None
    if crl is not None and crl.size and crl.form != "empty":
        ref = ObjectRef("v1", "ConfigMap", namespace, NAME)
        effect = f"sidecars check the partner of {picture.goal} against it, too (seen with Istio 1.32)"
        problem = f"holds a CRL of the mesh, and {effect}"
        fix = "set PILOT_ENABLE_CA_CRL=false on istiod, or test the call"
        yield Violation(ref, f'key "{KEY}"', problem, fix, certain=False)


RULE = RuleMetadata(
    title="The mesh's revocation list is applied to the partner's certificate",
    severity=Severity.WARN,
    about="workload",
    over="intents",
    reads=CHAINS | CONFIG_MAPS | WORKLOADS,
)
