"""A path of a certificate, private key or CA names a file, not a directory.

## Why

The path fields of a DestinationRule each name one file. A path that ends in `/` can only be a directory. The agent
cannot read it as a file, and every call fails with HTTP 503.

## Fix

Add the file name to the path. For a mounted Secret this is the data key.

## Source

security/pkg/nodeagent/cache/secretcache.go, `generateFileSecret` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.paths import is_directory
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per path that can only be a directory."""
    for tls in picture.client_settings:
        for field, path in tls.files.items():
            if is_directory(path):
                problem = f"{quote(path)} is a directory, and {field} takes one file"
                fix = f"add the file's name, such as {quote(path.rstrip('/.') + '/' + NAMES[field])}"
                yield Violation(picture.ref, f"{tls.path}.{field}", problem, fix)


NAMES = {"clientCertificate": "tls.crt", "privateKey": "tls.key", "caCertificates": "ca.crt", "caCrl": "ca.crl"}


RULE = RuleMetadata(
    title="A path of a DestinationRule names a directory instead of a file",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
