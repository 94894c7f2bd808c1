"""The validity period of every certificate that a sidecar presents has begun.

## Why

Envoy does not check the validity dates of the certificate that it presents. A certificate whose validity begins in the
future is loaded, and the server rejects every handshake until that date. A wrong clock where the certificate was issued
is a possible cause.

## Fix

Wait until the date, or have a certificate issued that is valid now.

## Source

Envoy 1.40 loads the certificate (measured); RFC 5280, 4.1.2.5, makes the server reject it.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import moment, named, replace_secret
from webhook.rules._producers import renewed
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file of which a certificate's validity has not begun."""
    seen: set[tuple[str, str]] = set()
    for client_certificate in picture.client_certificates:
        begin, place = (
            client_certificate.certificate.not_before,
            (client_certificate.object.name, client_certificate.key),
        )
        if begin > picture.horizon.at and place not in seen:
            seen.add(place)
            problem = f"{named(client_certificate.certificate)} is valid only from {moment(begin)}"
            otherwise = f"replace it: {replace_secret(picture, client_certificate.object)}"
            fix = f"wait until then, or {renewed(picture.view, client_certificate.object, otherwise)}"
            yield Violation(
                client_certificate.object,
                f"key {quote(client_certificate.key)}",
                problem,
                fix,
                certain=client_certificate.certain,
            )


RULE = RuleMetadata(
    title="The client certificate is not valid yet",
    severity=Severity.DENY,
    about="workload",
    over="client_certificates",
    reads=CHAINS | PRODUCERS,
)
