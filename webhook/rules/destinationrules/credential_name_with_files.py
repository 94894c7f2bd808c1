"""A `tls` block names the client certificate by file paths or by `credentialName`, not by both.

## Why

If both are set, `credentialName` is used and the paths are ignored. In a sidecar, `credentialName` has other
requirements than files: a workloadSelector, and permission to list Secrets. The block therefore does not do what its
paths suggest.

## Fix

Remove `credentialName` if the sidecar mounts the files.

## Source

pkg/config/validation/agent/validation.go, `ValidateTLS`; pilot/pkg/networking/core/cluster_tls.go (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._words import quote
from webhook.trace.destination import DestinationPicture


def check(picture: DestinationPicture) -> Iterator[Violation]:
    """Yields one violation per tls block that names both."""
    for tls in picture.client_settings:
        if tls.credential_name and tls.files and tls.mode in ("SIMPLE", "MUTUAL"):
            fields = ", ".join(field for field, _ in tls.files.items())
            problem = f"{quote(tls.credential_name)} stands beside {fields}, which are ignored then"
            yield Violation(
                picture.ref, f"{tls.path}.credentialName", problem, "remove credentialName to use the files"
            )


RULE = RuleMetadata(
    title="A tls block sets both credentialName and file paths",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
