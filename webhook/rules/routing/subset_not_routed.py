"""A VirtualService routes calls to each subset that has a client certificate.

## Why

The settings of a subset apply only to calls that a VirtualService routes to that subset. All other calls use the
top-level settings of the DestinationRule. If these have no TLS, the calls leave as plain text.

## Fix

Move the `tls` block to `spec.trafficPolicy`, or name the subset in the VirtualService's destination.

## Source

pilot/pkg/networking/core/cluster.go, one cluster for each subset (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per subset with a certificate of its own to which nobody sends calls."""
    if (
        not picture.rule.subsets
        or not picture.client_settings
        or not all(origination.subset for origination in picture.presenting)
    ):
        return
    if picture.for_gateway:
        return
    routed = {call.subset for call in picture.calls}
    blocks = {
        origination.subset: origination.tls.path
        for origination in picture.presenting
        if origination.subset not in routed
    }
    for subset, path in blocks.items():
        yield Violation(
            picture.ref,
            path,
            f"holds only for subset {quote(subset)}, to which no VirtualService sends calls: they leave in plain text",
            "move the tls block to spec.trafficPolicy, or route to the subset",
            certain=picture.settled and not picture.used,
        )


RULE = RuleMetadata(
    title="The client certificate is set for a subset to which no calls are routed",
    severity=Severity.DENY,
    about="destination",
    reads=NAMESPACE | ROUTING,
)
