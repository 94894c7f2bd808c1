"""The private key matches the client certificate.

## Why

A certificate can be used only with the private key that belongs to it. Istio's agent compares the two before it passes
them to Envoy and rejects a pair that does not match. Every call then fails with HTTP 503.

## Fix

Put the private key for which the certificate was issued, or the certificate of this private key, into the Secret.
Always replace both together. For a matching pair, `openssl x509 -noout -pubkey -in cert` and `openssl pkey -pubout -in
key` print the same public key.

## Source

Go `crypto/tls.X509KeyPair`, called by security/pkg/nodeagent/cache/secretcache.go (Istio 1.31). Seen with real traffic:
`private key does not match`, 503.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import named, refusals, replace_secret, role
from webhook.rules._producers import renewed
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._words import quote
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that is the key of another certificate."""
    yield from refusals(picture, WORDS)


def _mismatch(picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    certificate_file = refused.counterpart.file if refused.counterpart is not None else None
    leaf = (
        certificate_file.material.certificates[:1]
        if certificate_file is not None and certificate_file.material is not None
        else ()
    )
    whose = (
        f"{named(leaf[0])} in key {quote(certificate_file.key)}"
        if certificate_file is not None and leaf
        else "the certificate"
    )
    ref = refused.chain.file.object
    fix = ""
    if ref is not None:
        fix = renewed(picture.view, ref, f"put both halves of one pair into it: {replace_secret(picture, ref)}")
    return f"this {role(refused.chain)} does not belong to {whose}", fix


WORDS = {"mismatch": _mismatch}


RULE = RuleMetadata(
    title="The private key does not match the client certificate",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS | PRODUCERS,
)
