"""The certificates that a sidecar presents have not expired.

## Why

Envoy does not check the validity dates of the certificate that it presents: an expired certificate is loaded, the Pod
becomes ready, and the server rejects every handshake. Only the partner's log shows the reason.

## Fix

Have the certificate renewed and put the new certificate and private key into the Secret. Running sidecars load them
within one or two minutes without a restart, unless the file is mounted with `subPath`.

## Source

Seen with real traffic: 503 `connection_termination`; only the partner's log says that the certificate has expired.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import moment, named, replace_secret, span
from webhook.rules._producers import renewed
from webhook.rules._reads import CHAINS, PRODUCERS, WORKLOADS
from webhook.rules._words import quote
from webhook.trace.credentials import LocatedCertificate
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file of which a certificate has expired, or does so within the policy's limit."""
    denied_until = picture.horizon.at + picture.horizon.deny
    seen: set[tuple[str, str]] = set()
    for client_certificate in picture.client_certificates:
        place = (client_certificate.object.name, client_certificate.key)
        if client_certificate.certificate.not_after <= denied_until and place not in seen:
            seen.add(place)
            yield _expired(picture, client_certificate)


def _expired(picture: WorkloadPicture, client_certificate: LocatedCertificate) -> Violation:
    end, at = client_certificate.certificate.not_after, picture.horizon.at
    when = f"expired {span(at - end)} ago" if end <= at else f"expires in {span(end - at)}"
    return Violation(
        client_certificate.object,
        f"key {quote(client_certificate.key)}",
        f"{named(client_certificate.certificate)} {when} ({moment(end)})",
        renewed(
            picture.view, client_certificate.object, f"replace it: {replace_secret(picture, client_certificate.object)}"
        ),
        certain=client_certificate.certain,
    )


RULE = RuleMetadata(
    title="The client certificate has expired",
    severity=Severity.DENY,
    about="workload",
    over="client_certificates",
    reads=CHAINS | PRODUCERS | WORKLOADS,
)
