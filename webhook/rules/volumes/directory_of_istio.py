"""An annotated DestinationRule reads its files from a directory that Istio does not use itself.

## Why

The annotation `mtls-guard.io/client-secret` on a DestinationRule has its files mounted into every sidecar that opts in,
at the directory of its paths. In `/etc/istio/proxy`, `/var/run/secrets/istio` and some other directories istio-proxy
has files of its own. mtls-guard mounts nothing in or below these directories, because their content changes between
Istio versions.

## Fix

Use an unused directory in the paths, for example `/etc/mtlsfiles`.

## Source

The mounts of Istio's injection template (1.32). Paths of files that Istio itself provides, for example
`/var/run/secrets/istio/root-cert.pem`, are allowed.
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
    title="An annotated DestinationRule reads from a directory of Istio, where injection mounts nothing",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
