"""A DestinationRule with `credentialName` that is used by sidecars has a workloadSelector.

## Why

With `credentialName`, istiod sends the content of the Secret to gateways. It does so for sidecars only if the
DestinationRule has a workloadSelector. Without one, the sidecar gets no TLS settings for the host, and calls leave as
plain text. For an egress gateway such a DestinationRule is correct, so this rule only warns about the DestinationRule;
it denies workloads that clearly intend to use it.

## Fix

Mount the Secret into the sidecar and name its files (`clientCertificate`, `privateKey`, `caCertificates`).
Alternatively, add a workloadSelector, and grant the workload's ServiceAccount permission to list Secrets.

## Source

pilot/pkg/networking/core/cluster_tls.go, `buildUpstreamClusterTLSContext`; cluster_builder.go (Istio 1.31). Seen with
real traffic: credentialName without a workloadSelector sends plain text to port 443.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block whose credential no sidecar gets; certain where a workload means the rule.

    A rule to whose host a gateway sends calls is right as it is, unless a workload means it.
    """
    if picture.rule.selector is not None or not picture.client_settings:
        return
    meant = picture.stage.used
    if picture.for_gateway and not meant:
        return
    for tls in picture.client_settings:
        name = tls.credential_name
        if not name or tls.files or tls.mode not in ("SIMPLE", "MUTUAL") or name.startswith("configmap://"):
            continue
        yield Violation(
            picture.ref,
            f"{tls.path}.credentialName",
            f"{quote(name)} reaches gateways only: calls of sidecars leave in plain text",
            "mount the Secret and name its files here, or add a workloadSelector",
            certain=meant and not picture.for_gateway,
        )


RULE = RuleMetadata(
    title="credentialName has no effect in sidecars without a workloadSelector",
    severity=Severity.DENY,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
