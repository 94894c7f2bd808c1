"""`caCertificates: system`, for the system's CAs, is written in lower case.

## Why

Only the literal word `system` means the CAs of the image. `SYSTEM` is taken for a relative path, the file `/SYSTEM`,
which does not exist: every call answers 503.

## Fix

Write `system`, or leave the field out, which means the same.

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
    title="The word for the system's CAs is not in lower case, and is taken for a file",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
