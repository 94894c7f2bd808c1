"""If a DestinationRule names a certificate revocation list (`caCrl`), the sidecar uses it.

## Why

istiod creates a ConfigMap `istio-ca-crl` in every namespace and mounts it into every sidecar; it is empty if the mesh
has no revocation list. If that file exists, even empty, Istio does not use the list that a DestinationRule names in
`caCrl`: in a test, a partner with a revoked certificate was accepted. The list is also unused with `insecureSkipVerify`
or `credentialName`.

## Fix

Remove `caCrl` and do not rely on revocation, or remove `istio-ca-crl` from the sidecars (`PILOT_ENABLE_CA_CRL=false` on
istiod).

## Source

security/pkg/nodeagent/sds/sdsservice.go (Istio 1.31). Seen with real traffic, with one version each (Istio of August
2026, Envoy 1.40): caCrl has no effect.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block whose revocation list is not used."""
    for tls in picture.client_settings:
        if tls.files.ca_crl and tls.mode in ("SIMPLE", "MUTUAL"):
            reason = "beside insecureSkipVerify" if tls.insecure_skip_verify else ""
            if not reason and picture.view.mesh.crl_in_every_sidecar:
                reason = "in sidecars that hold Istio's own istio-ca-crl, which is the default"
            if reason:
                problem = f"{quote(tls.files.ca_crl)} has no effect {reason}"
                yield Violation(
                    picture.ref, f"{tls.path}.caCrl", problem, "do not count on it to refuse a revoked partner"
                )


RULE = RuleMetadata(
    title="The revocation list of a DestinationRule has no effect",
    severity=Severity.WARN,
    about="destination",
    reads=frozenset(),
)
