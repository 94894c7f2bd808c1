"""Every field of a DestinationRule is defined by Istio.

## Why

The API server drops unknown fields (`client_certificate`, `clientCert`, `caCertificate`) and stores the rest of the
object. The intended setting is then missing: no client certificate is presented, or the partner is verified with the
public CAs. Only the manifest, and the annotation in which kubectl stores it, still contain the field. The same happens
to a TLS field at the wrong position, for example `portLevelSettings` next to `trafficPolicy`.

## Fix

Use the field name and the position that the message gives. `kubectl explain destinationrule.spec.trafficPolicy.tls`
lists the fields.

## Source

Kubernetes prunes unknown fields of custom resources (structural schemas);
api/networking/v1alpha3/destination_rule.proto.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._fields import Misspelt, misspelt
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per unknown field: certain where a field of TLS was evidently meant."""
    if not picture.rule.unknown:
        return
    for misspelling in misspelt(picture.rule):
        if misspelling.belongs:
            yield _misplaced(picture, misspelling)
            continue
        in_tls = misspelling.path.endswith(".tls")
        if not (in_tls or picture.client_settings):
            continue
        advice = "see kubectl explain destinationrule.spec.trafficPolicy.tls" if in_tls else "remove it"
        yield Violation(
            picture.ref,
            f"{misspelling.path}.{misspelling.key}",
            f"{quote(misspelling.key)} is no field of Istio, and the API server drops it",
            f"write {quote(misspelling.meant)}" if misspelling.meant else advice,
            certain=in_tls and bool(misspelling.meant),
        )


def _misplaced(picture: DestinationPicture, misspelling: Misspelt) -> Violation:
    """A field of TLS at the wrong place; certain where it names the only client certificate."""
    problem = f"{quote(misspelling.key)} is no field here, and the API server drops it: it sets no TLS"
    client = misspelling.key in ("clientCertificate", "privateKey", "credentialName") and not picture.client_settings
    return Violation(
        picture.ref,
        f"{misspelling.path}.{misspelling.key}",
        problem,
        f"move it to {misspelling.belongs}",
        certain=client,
    )


RULE = RuleMetadata(
    title="An unknown field of a DestinationRule is dropped by the API server",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
