"""A DestinationRule that sets `sni` also sets the name that the partner's certificate must contain.

## Why

Without `sni`, Istio checks that the certificate contains the host name of the call. If `sni` is set, it does not,
unless the DestinationRule or the ServiceEntry has `subjectAltNames`: any certificate of the same CA is then accepted.

## Fix

Add `subjectAltNames` with the partner's name.

## Source

pilot/pkg/networking/core/cluster_tls.go, `setAutoSniAndAutoSanValidation` (Istio 1.31). This is a hardening rule, off
unless the policy turns it on.
"""

from collections.abc import Iterator

from webhook.model.chain import Origination
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import ROUTING
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block in force that sets sni and checks no name."""
    if not picture.client_settings:
        return
    seen = {origination.tls.path: origination.tls for origination in picture.presenting if _unchecked(origination)}
    for path, tls in seen.items():
        problem = f"{quote(tls.sni)} turns the check of the partner's name off"
        yield Violation(picture.ref, f"{path}.sni", problem, f"add subjectAltNames: [{quote(tls.sni)}]")


def _unchecked(origination: Origination) -> bool:
    tls = origination.tls
    named = tls.subject_alt_names or origination.service.subject_alt_names
    return bool(tls.sni) and not named and not tls.insecure_skip_verify


RULE = RuleMetadata(
    title="The host name in the partner's certificate is not checked",
    severity=Severity.OFF,
    about="destination",
    reads=ROUTING,
)
