"""The value `system` of `caCertificates` is written in lower case.

## Why

Only the exact word `system` selects the public CA certificates of the proxy image. `SYSTEM` is used as a relative path,
that is, as the file `/SYSTEM`. This file does not exist, and every call fails with HTTP 503.

## Fix

Write `system`, or remove the field, which means the same.

## Source

pkg/security/security.go, `FileRootSystemCACert`; pilot/pkg/networking/core/cluster_tls.go (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.paths import is_system_misspelt
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block that spells `system` otherwise."""
    for tls in picture.client_settings:
        path = tls.files.ca_certificates
        if is_system_misspelt(path):
            problem = f"{quote(path)} is taken for the file {quote('/' + path)}, not for the system's CAs"
            yield Violation(picture.ref, f"{tls.path}.caCertificates", problem, 'write "system", or leave it out')


RULE = RuleMetadata(
    title="`system` in caCertificates is not in lower case and is used as a file path",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
