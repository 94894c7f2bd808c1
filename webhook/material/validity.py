"""What a client certificate's chain and a CA bundle say beyond loading: dates, usage, gaps. Judged at a given moment.

The bundle is for the server's certificate: that a client's certificate does not chain to it proves nothing, for the
server may trust another CA for its clients.
"""

from datetime import datetime

from webhook.material.agent_loading import agent_keeps
from webhook.material.envoy_loading import CERTIFICATES
from webhook.model.material import CertificateFacts, CrlFacts, Material


def expired(certificate: CertificateFacts, at: datetime) -> bool:
    """Whether its time is over."""
    return certificate.not_after < at


def not_yet_valid(certificate: CertificateFacts, at: datetime) -> bool:
    """Whether its time is yet to come."""
    return at < certificate.not_before


def fits_clients(certificate: CertificateFacts) -> bool:
    """Whether its extended key usage lets it be a client's; without the extension it may be anything."""
    return certificate.usages is None or not {"clientAuth", "anyExtendedKeyUsage"}.isdisjoint(certificate.usages)


def fits_servers(certificate: CertificateFacts) -> bool:
    """Whether its extended key usage lets it be a server's; without the extension it may be anything."""
    return certificate.usages is None or not {"serverAuth", "anyExtendedKeyUsage"}.isdisjoint(certificate.usages)


def trusted(ca: Material) -> tuple[CertificateFacts, ...]:
    """The certificates of a CA bundle that Envoy gets to use."""
    blocks = (ca.blocks[index] for index in agent_keeps(ca))
    return tuple(block.certificate for block in blocks if block.certificate and block.label in CERTIFICATES)


def can_sign(certificate: CertificateFacts) -> bool:
    """Whether others' certificates may be verified with it: a CA, or a root from before there were extensions.

    One that cannot sign may still be the server's own, and then verifies itself (Envoy trusts partial chains): see
    fits_servers.
    """
    return certificate.self_issued if certificate.is_ca is None else certificate.is_ca


def roots(ca: Material) -> tuple[CertificateFacts, ...]:
    """The self-issued certificates of a bundle; none means that every chain ends at an intermediate."""
    return tuple(certificate for certificate in trusted(ca) if certificate.self_issued)


def missing_intermediate(certificate: Material, ca: Material) -> CertificateFacts | None:
    """The intermediate that the client's file lacks, where the CA bundle lets us see it.

    The last certificate of the chain in the file is issued by one that stands in the bundle and is no root itself:
    the client will not send it, and a server that trusts the root alone cannot build the chain.
    """
    if not certificate.certificates:
        return None
    chain_end = certificate.certificates[0]
    for following in certificate.certificates[1:]:
        chain_end = following if issued(following, chain_end) else chain_end
    if chain_end.self_issued:
        return None
    return next(
        (authority for authority in trusted(ca) if issued(authority, chain_end) and not authority.self_issued), None
    )


def issued(issuer: CertificateFacts, certificate: CertificateFacts) -> bool:
    """Whether names and key identifiers say that the one issued the other; the signature is not checked."""
    if issuer.subject_id != certificate.issuer_id:
        return False
    return not (issuer.subject_key and certificate.issuer_key) or issuer.subject_key == certificate.issuer_key


def revocations(crl: Material) -> tuple[CrlFacts, ...]:
    """The revocation lists that Envoy reads in a file; with none, or an expired one, it loads and every call fails."""
    return tuple(block.crl for block in crl.blocks if block.crl is not None and block.envoy)
