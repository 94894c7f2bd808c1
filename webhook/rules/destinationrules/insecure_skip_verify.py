"""A DestinationRule that presents a client certificate verifies the partner's certificate.

## Why

With `insecureSkipVerify: true` the sidecar accepts any certificate, so any server that answers at the address receives
the calls.

## Fix

Remove `insecureSkipVerify` and name the partner's CA in `caCertificates`.

## Source

pilot/pkg/networking/core/cluster_tls.go (Istio 1.31). This is a hardening rule, off unless the policy turns it on.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block with a client certificate that does not verify its partner."""
    for tls in picture.client_settings:
        if tls.insecure_skip_verify and tls.mode == "MUTUAL":
            problem = "true means that any partner is trusted, whatever its certificate"
            yield Violation(
                picture.ref,
                f"{tls.path}.insecureSkipVerify",
                problem,
                "remove it and name the partner's CA in caCertificates",
            )


RULE = RuleMetadata(
    title="The partner's certificate is not verified",
    severity=Severity.OFF,
    about="destination",
    reads=frozenset(),
)
