"""The extended key usage of a client certificate, if it has this extension, includes clientAuth.

## Why

A certificate that was issued only for servers (serverAuth) is loaded like any other, but most servers reject it as a
client certificate. Some servers do not check the usage, so this rule only warns.

## Fix

Have the certificate issued with the extended key usage clientAuth.

## Source

RFC 5280, 4.2.1.12. Envoy 1.40 loads the certificate (measured); OpenSSL and Go servers reject the handshake.
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
    title="The client certificate was not issued for TLS clients",
    severity=Severity.WARN,
    about="workload",
    over="client_certificates",
    reads=CHAINS,
)
