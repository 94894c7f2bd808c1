"""The private key of a client certificate is RSA (2048 bits or more), ECDSA (P-256, P-384 or P-521) or Ed25519.

## Why

Envoy rejects shorter RSA keys and other curves when it loads the certificate, so every call fails with HTTP 503.
OpenSSL and Kubernetes accept the same files.

## Fix

Have a certificate issued for a supported private key: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.

## Source

Measured with Envoy 1.40.0 (BoringSSL): RSA 1024, P-224 and secp256k1 are rejected.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.material import CertificateFacts, KeyFacts
from webhook.model.rule import RuleMetadata
from webhook.rules._material import refusals
from webhook.rules._reads import CHAINS
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that holds a key that Envoy does not take."""
    yield from refusals(picture, WORDS)


def _kind(_picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    material = refused.chain.file.material
    facts: tuple[CertificateFacts | KeyFacts, ...] = ()
    if material is not None:
        facts = (*material.certificates, *material.keys)
    kind = _words_of(facts[0]) if facts else ""
    fix = "have it issued for an RSA key of 2048 bits or more, or ECDSA P-256, P-384, P-521, or Ed25519"
    return f"its key is {kind or 'of a kind'} which Envoy refuses", fix


def _words_of(facts: CertificateFacts | KeyFacts) -> str:
    """Kind of key and its curve or size: `RSA 1024`."""
    return " ".join(str(word) for word in (facts.key_type, facts.curve or facts.key_bits or "") if word)


WORDS = {"small-rsa": _kind, "curve": _kind, "key-type": _kind}


RULE = RuleMetadata(
    title="Envoy does not accept the type of the private key",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
