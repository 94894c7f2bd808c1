"""A path does not begin or end with a space or a line break.

## Why

Istio uses the path unchanged: `/etc/mtlsfiles/cert ` and `/etc/mtlsfiles/cert` are different files, and the first one
does not exist. A YAML block scalar (`|`) ends with a line break that is easy to overlook.

## Fix

Write the path on the same line as its field, without spaces around it.

## Source

pkg/security/security.go, resource names of files are built verbatim (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.paths import is_padded
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per path with white space at an end."""
    for tls in picture.client_settings:
        for field, path in tls.files.items():
            if is_padded(path):
                problem = f"{quote(path)} has white space at an end, and no file has that name"
                yield Violation(picture.ref, f"{tls.path}.{field}", problem, f"write {quote(path.strip())}")


RULE = RuleMetadata(
    title="A path begins or ends with white space",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
