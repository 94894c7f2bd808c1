"""`clientCertificate` and `privateKey` are two different files.

## Why

One file can serve both purposes only if it contains the certificate first and the private key after it. Usually the
same path was copied twice by mistake: the agent then finds no private key, and every call fails with HTTP 503.

## Fix

Write the path of the private key file in `privateKey`.

## Source

security/pkg/nodeagent/cache/secretcache.go, `keyCertificateExist` and `tls.LoadX509KeyPair` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.paths import normal
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block that names one file twice; in doubt, since a file can hold both.

    Of a workload that uses the rule the file itself is judged.
    """
    if picture.stage.used:
        return
    for tls in picture.client_settings:
        key, certificate = tls.files.private_key, tls.files.client_certificate
        if key and certificate and (key == certificate or normal(key) == normal(certificate)):
            yield Violation(
                picture.ref,
                f"{tls.path}.privateKey",
                f"{quote(key)} is the file of clientCertificate as well, and must then hold both",
                "name the file of the key",
                certain=False,
            )


RULE = RuleMetadata(
    title="clientCertificate and privateKey name the same file",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
