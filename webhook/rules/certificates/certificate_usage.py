"""A client certificate may be used by a client: its extended key usage, if it has one, names clientAuth.

## Why

A certificate that was issued for servers only (serverAuth) loads like any other, and most servers refuse it as a
client's. Some do not look, so this warns.

## Fix

Have the certificate issued with the extended key usage clientAuth.

## Source

RFC 5280, 4.2.1.12. Envoy 1.40 loads it (measured); OpenSSL and Go servers refuse the handshake.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import named
from webhook.rules._reads import CHAINS
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture

FOR_CLIENTS = frozenset({"clientAuth", "anyExtendedKeyUsage"})


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per client certificate whose usages leave out clients."""
    for client_certificate in picture.client_certificates:
        usages = client_certificate.certificate.usages
        if client_certificate.position == 0 and usages is not None and FOR_CLIENTS.isdisjoint(usages):
            certificate = named(client_certificate.certificate)
            problem = f"{certificate} is for {', '.join(usages) or 'no use'} only, not for clientAuth"
            yield Violation(
                client_certificate.object,
                f"key {quote(client_certificate.key)}",
                problem,
                "have it issued with the usage clientAuth",
            )


RULE = RuleMetadata(
    title="The client certificate was not issued for clients",
    severity=Severity.WARN,
    about="workload",
    over="client_certificates",
    reads=CHAINS,
)
