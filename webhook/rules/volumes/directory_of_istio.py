"""An annotated DestinationRule reads its files from a directory that is not Istio's own.

## Why

`mtls-guard.io/client-secret` on a DestinationRule has its files mounted into every sidecar that asks for them, in the
directory of its paths. `/etc/istio/proxy`, `/var/run/secrets/istio` and others are directories in which istio-proxy has
its own files. Injection mounts nothing there or below: what Istio keeps in them changes from version to version.

## Fix

Write a directory that nobody uses into the paths, as `/etc/mtlsfiles`.

## Source

The mounts of Istio's injection template (1.32). A path of a file that Istio has itself, as
`/var/run/secrets/istio/root-cert.pem`, is right.
"""

from collections.abc import Iterator
from posixpath import basename

from webhook.istio.injector.istio_directories import directory_of_istio
from webhook.kinds.opt_in_annotations import CLIENT_SECRET
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block and directory that injection cannot serve."""
    if not picture.rule.annotations.get(CLIENT_SECRET):
        return
    for tls in picture.client_settings:
        seen: set[str] = set()
        for field, path in tls.files.items():
            owned = directory_of_istio(path)
            if owned and owned not in seen:
                seen.add(owned)
                problem = f"{quote(path)} lies in {quote(owned)}, which is Istio's: injection mounts nothing there"
                fix = f"read its files from a directory of their own, as {quote(_elsewhere(path))}"
                yield Violation(picture.ref, f"{tls.path}.{field}", problem, fix)


def _elsewhere(path: str) -> str:
    return f"/etc/mtlsfiles/{basename(path)}"


RULE = RuleMetadata(
    title="An annotated DestinationRule reads from a directory of Istio's, where injection mounts nothing",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
