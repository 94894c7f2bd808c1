"""The private key of a client certificate is not encrypted.

## Why

A sidecar cannot be given a passphrase. Istio's agent and Envoy both reject an encrypted private key, and every call
fails with HTTP 503.

## Fix

Decrypt the private key before you put it into the Secret: `openssl pkey -in encrypted.key -out key`.

## Source

Envoy 1.40: BAD_PASSWORD_READ. Seen with real traffic: `failed to parse private key`, 503.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import refusals
from webhook.rules._reads import CHAINS
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that holds an encrypted key."""
    yield from refusals(picture, WORDS)


def _encrypted(_picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    key = refused.chain.file.key
    return (
        "the private key is encrypted, and a sidecar has no passphrase",
        f"decrypt it: openssl pkey -in FILE -out {key}",
    )


WORDS = {"encrypted": _encrypted}


RULE = RuleMetadata(
    title="The private key is encrypted",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
