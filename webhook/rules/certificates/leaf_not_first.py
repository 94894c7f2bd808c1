"""The client certificate comes first in its file, followed by its issuers.

## Why

Istio's agent and Envoy use the first certificate of the file as the client certificate. If an issuer comes first, the
private key does not match it, and every call fails with HTTP 503.

## Fix

Write the client certificate first, then each issuer: `cat leaf.pem intermediate.pem > cert`.

## Source

Envoy 1.40: KEY_VALUES_MISMATCH; Go `crypto/tls.X509KeyPair` compares the private key with the first certificate.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import named, refusals
from webhook.rules._reads import CHAINS
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that has its leaf behind another certificate."""
    yield from refusals(picture, WORDS)


def _order(_picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    material, index = refused.chain.file.material, refused.refusal.block
    block = material.blocks[index] if material is not None and 0 <= index < len(material.blocks) else None
    leaf = named(block.certificate) if block is not None and block.certificate is not None else "the certificate"
    return (
        f"{leaf}, which the private key belongs to, is not the first",
        "write the leaf first: cat leaf.pem issuer.pem",
    )


WORDS = {"leaf-not-first": _order}


RULE = RuleMetadata(
    title="The client certificate is not the first certificate in its file",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
