"""A rule with `credentialName` that is meant for sidecars has a workloadSelector.

## Why

`credentialName` lets istiod hand out the Secret, and it does so to gateways. To a sidecar only if the rule has a
workloadSelector; otherwise the sidecar gets no TLS at all for the host, and the call leaves in plain text. As part of
an egress gateway such a rule is right, so this warns, and refuses only a workload that means to use the rule.

## Fix

Mount the Secret into the sidecar and name its files (`clientCertificate`, `privateKey`, `caCertificates`); or add a
workloadSelector, and the right to list Secrets for the workload's ServiceAccount.

## Source

pilot/pkg/networking/core/cluster_tls.go, `buildUpstreamClusterTLSContext`; cluster_builder.go (Istio 1.31).
Seen with real traffic: credentialName without selector gives plain text to port 443.
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
    title="A rule names a credential that no sidecar gets, since it has no workloadSelector",
    severity=Severity.DENY,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
