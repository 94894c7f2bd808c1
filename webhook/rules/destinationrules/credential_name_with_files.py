"""A tls block takes the client certificate from files or from `credentialName`, not from both.

## Why

`credentialName` wins, and the paths of the same block are ignored. In a sidecar it works under other conditions than
files (a workloadSelector, the right to list Secrets), so the block does something else than its paths say.

## Fix

Remove `credentialName` where the sidecar mounts the files.

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
    title="A tls block names both a credential and files",
    severity=Severity.DENY,
    about="destination",
    reads=frozenset(),
)
