"""Every PEM block that a sidecar reads is whole, of the kind its label says, and stands on lines of its own.

## Why

Agent and Envoy each read the file, and neither forgives much: a cut block, two blocks glued together without a line
break, another kind of block in front, or a label that does not fit what follows makes them refuse the file, and every
call answers 503.

## Fix

Write the file anew from its source, each block on lines of its own: `cat a.pem b.pem` glues them where the first has no
final newline.

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
    title="A PEM block cannot be read",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
