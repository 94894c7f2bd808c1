"""Every PEM block that a sidecar reads is complete, has the type that its label names, and starts on a new line.

## Why

Istio's agent and Envoy both parse the file strictly. They reject it if a block is truncated, if two blocks are joined
without a line break, if a block of another type comes first, or if a label does not match the content. Every call then
fails with HTTP 503.

## Fix

Create the file again from its source, with each block starting on a new line. `cat a.pem b.pem` joins two blocks if the
first file has no newline at its end.

## Source

Measured with Envoy 1.40.0; Go `encoding/pem` and `crypto/x509` for the agent.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import refusals, role
from webhook.rules._reads import CHAINS
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that agent or Envoy cannot read."""
    yield from refusals(picture, WORDS)


SAID = {
    "glued": ("two PEM blocks stand glued together without a line break", "put each BEGIN line on a line of its own"),
    "unreadable-block": ("a PEM block is cut or damaged", "write the file anew from its source"),
    "unreadable-certificate": (
        "a CERTIFICATE block holds no certificate that can be read",
        "write it anew from its source",
    ),
    "unreadable-key": ("the private key cannot be read", "write it anew from its source"),
    "unreadable-crl": ("the revocation list cannot be read", "write it anew from its source"),
    "inconsistent-key": ("the numbers of the private key do not belong together", "write it anew from its source"),
    "not-first": ("another PEM block stands before the certificate", "put the certificate first"),
    "wrong-label": ("the BEGIN line names another kind of key than follows", "convert it: openssl pkey -in FILE"),
    "negative-serial": (
        "the serial number is negative, which Istio's agent refuses",
        "have the certificate issued anew",
    ),
    "no-certificate": ("holds no CERTIFICATE block", "put a PEM certificate into it"),
    "no-key": ("holds no PRIVATE KEY block", "put the PEM private key into it"),
    "no-crl": ("holds no X509 CRL block", "put the PEM revocation list into it"),
}


def _damage(_picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    problem, fix = SAID[refused.refusal.code]
    return f"{problem}; it is read as {role(refused.chain)}", fix


WORDS = dict.fromkeys(SAID, _damage)


RULE = RuleMetadata(
    title="A PEM block is damaged or has the wrong type",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
