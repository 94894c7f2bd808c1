"""The host of a DestinationRule with a client certificate is not a Service of type ExternalName.

## Why

Istio treats such a Service as an alias of its target and creates no cluster for it. A DestinationRule for the alias has
no effect, and calls leave as plain text. This worked until Istio 1.20.

## Fix

Write the target of the alias in `spec.host`, and add a ServiceEntry for it.

## Source

pilot/pkg/serviceregistry/kube/conversion.go; pilot/pkg/networking/core/cluster.go (Istio 1.21 and later).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import ROUTING
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields at most one violation, when every service of the host is an alias."""
    if not picture.client_settings or not picture.services:
        return
    if all(service.external_name for service in picture.services):
        alias = picture.services[0]
        yield Violation(
            picture.ref,
            "spec.host",
            f"{quote(picture.rule.host)} is {alias.ref} of type ExternalName, for which no rule takes effect",
            f"write {quote(alias.external_name)}, with a ServiceEntry for it",
        )


RULE = RuleMetadata(
    title="The host of a DestinationRule is a Service of type ExternalName",
    severity=Severity.DENY,
    about="destination",
    reads=ROUTING,
)
