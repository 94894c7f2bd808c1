"""A DestinationRule for a cluster-internal name of an external partner sets `sni` and `subjectAltNames`.

## Why

Without `sni`, the sidecar sends the host name of the call as SNI and expects it in the server's certificate. A Service
without a selector often represents an external partner. Its name (`partner.egress.svc.cluster.local`) exists only in
this cluster, so the partner's certificate cannot contain it.

## Fix

Add `sni` and `subjectAltNames` with the partner's real name.

## Source

pilot/pkg/networking/core/cluster_tls.go, `setAutoSniAndAutoSanValidation` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.mesh import Service
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import ROUTING
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block without sni that holds for a Service without selector."""
    if not picture.client_settings or all(tls.sni for tls in picture.client_settings):
        return
    blocks = {
        origination.tls.path: origination
        for origination in picture.presenting
        if not origination.tls.sni and _outside(origination.service)
    }
    for path, origination in blocks.items():
        if not origination.tls.subject_alt_names and not origination.tls.insecure_skip_verify:
            problem = (
                f"is missing, so the partner's certificate must hold {origination.service.host}, a name of this cluster"
            )
            fix = "write the partner's own name, also into subjectAltNames"
            yield Violation(picture.ref, f"{path}.sni", problem, fix, certain=False)


def _outside(service: Service) -> bool:
    return service.ref.kind == "Service" and not service.selector and not service.external_name


RULE = RuleMetadata(
    title="The sidecar expects a cluster-internal name in the partner's certificate",
    severity=Severity.WARN,
    about="destination",
    reads=ROUTING,
)
