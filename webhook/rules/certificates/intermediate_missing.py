"""A client certificate file contains the intermediate certificates between the client certificate and the root.

## Why

The server knows the root certificate; the client has to send the intermediate certificates. Without them the server may
be unable to build the chain, and it then rejects the handshake. mtls-guard can detect this only if the CA bundle shows
that the issuer of the client certificate is an intermediate CA, that is, if client and server certificates come from
the same CA.

## Fix

Append the intermediate certificates to the client certificate: `cat leaf.pem intermediate.pem > cert`.

## Source

RFC 8446, 4.4.2: each certificate certifies the one before it. Envoy 1.40 loads the client certificate alone (measured).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.material import CertificateFacts
from webhook.model.rule import RuleMetadata
from webhook.rules._material import key_path, named
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per client certificate whose chain breaks off inside its own file."""
    for credential in picture.credentials:
        chain = credential.certificate
        material = chain.file.material if chain is not None else None
        if chain is None or material is None or chain.file.object is None or len(material.certificates) < 1:
            continue
        chain_end = _end(material.certificates)
        if chain_end is not None and _shows(picture, chain_end):
            problem = f"the chain ends at {named(chain_end)}, whose issuer {chain_end.issuer} is not in the file"
            fix = "append the issuer's certificate behind it"
            yield Violation(chain.file.object, key_path(chain), problem, fix, certain=False)


def _end(certificates: tuple[CertificateFacts, ...]) -> CertificateFacts | None:
    """Where the chain from the leaf ends, if that is no root."""
    by_subject = {certificate.subject_id: certificate for certificate in certificates}
    chain_end, seen = certificates[0], set[str]()
    while not chain_end.self_issued and chain_end.issuer_id in by_subject and chain_end.subject_id not in seen:
        seen.add(chain_end.subject_id)
        chain_end = by_subject[chain_end.issuer_id]
    return None if chain_end.self_issued else chain_end


def _shows(picture: WorkloadPicture, chain_end: CertificateFacts) -> bool:
    """Whether a bundle shows that the missing issuer is an intermediate: it holds it, with an issuer of its own."""
    authorities = [authority for _, certificates in picture.ca_bundles for authority in certificates]
    return any(authority.subject_id == chain_end.issuer_id and not authority.self_issued for authority in authorities)


RULE = RuleMetadata(
    title="The client certificate file lacks an intermediate certificate",
    severity=Severity.WARN,
    about="workload",
    over="credentials",
    reads=CHAINS,
)
