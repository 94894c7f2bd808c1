"""The client certificate and CA files contain certificates, and the private key file contains a private key.

## Why

Each of the three files is read for one purpose. Istio's agent rejects a private key where a certificate is expected and
the other way round, and every call fails with HTTP 503.

## Fix

Swap the two data keys in the Secret, or the two paths in the DestinationRule.

## Source

Go `crypto/tls.X509KeyPair`: "PEM inputs may have been switched". Seen with real traffic: 503.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._material import refusals, role
from webhook.rules._reads import CHAINS
from webhook.rules._words import quote
from webhook.trace.credentials import RefusedFile
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per file that holds what belongs into another one."""
    yield from refusals(picture, WORDS)


def _swapped(_picture: WorkloadPicture, refused: RefusedFile) -> tuple[str, str]:
    content = "certificates" if refused.refusal.role == "key" else "a private key"
    if refused.refusal.role == "ca":
        return (
            f"is read as {role(refused.chain)} and holds {content}",
            "put the certificate of the server's authority there",
        )
    paths = " and ".join(quote(chain.path) for chain in (refused.chain, refused.counterpart) if chain is not None)
    fix = f"swap the keys of the Secret, or the paths {paths} in the rule"
    if refused.counterpart is not None and refused.counterpart.path == refused.chain.path:
        path = quote(refused.chain.path)
        fix = f"name two files: clientCertificate and privateKey of {refused.chain.rule.ref} are both {path}"
    return f"is read as {role(refused.chain)} and holds {content}", fix


WORDS = {"swapped": _swapped}


RULE = RuleMetadata(
    title="Certificate and private key are swapped",
    severity=Severity.DENY,
    about="workload",
    over="refused",
    reads=CHAINS,
)
