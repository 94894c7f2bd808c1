"""Issues the webhook's own CA and its server certificate; when a new one is due is left to `rotation`.

The instant and the source of keys come in as arguments. Keys are ECDSA on P-256: Go's fastest for a handshake, made in
a tenth of a millisecond, and known to every client.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATED = timedelta(hours=1)
"""Certificates are valid from before they are made: the API server's clock may be behind ours."""

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class CertificateLifetimes:
    """How long things live. The decision note 0006 says why so long.

    ca, leaf: lifetimes. ca_renewal, leaf_renewal: a successor is made when no more than this is left.
    settled: how long every webhook configuration must have held a new CA before it signs what is served.
    """

    ca: timedelta = timedelta(days=365)
    ca_renewal: timedelta = timedelta(days=120)
    leaf: timedelta = timedelta(days=90)
    leaf_renewal: timedelta = timedelta(days=30)
    settled: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """A certificate and its private key, which never shows when it is printed."""

    certificate: x509.Certificate
    key: Key = field(repr=False, compare=False)

    @property
    def end(self) -> datetime:
        """The last instant at which it is valid."""
        return self.certificate.not_valid_after_utc


def new_key() -> Key:
    """A fresh private key, from the operating system's randomness."""
    return ec.generate_private_key(ec.SECP256R1())


def issue_ca(key: Key, at: datetime, terms: CertificateLifetimes) -> CertificatePair:
    """A CA that signs itself; no two bear the same name, so that a bundle of several is never ambiguous."""
    name = _named(f"mtls-guard serving CA {_digest(key)[:4].hex()}")
    builder = _certificate(key, at, at + terms.ca).subject_name(name).issuer_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(is_ca=True), critical=True)
    return CertificatePair(builder.sign(key, hashes.SHA256()), key)


def issue_leaf(
    ca: CertificatePair, key: Key, names: Collection[str], at: datetime, terms: CertificateLifetimes
) -> CertificatePair:
    """A server certificate for these DNS names; it never outlives its CA."""
    issuer = ca.certificate
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in sorted(names)])
    builder = _certificate(key, at, leaf_end(ca, at, terms)).subject_name(_named("mtls-guard webhook"))
    builder = (
        builder.issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return CertificatePair(builder.sign(ca.key, hashes.SHA256()), key)


def leaf_end(ca: CertificatePair, at: datetime, terms: CertificateLifetimes) -> datetime:
    """Until when a leaf that this CA signs now would be valid."""
    return min(at + terms.leaf, ca.end)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The DNS names that it is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    return frozenset(extension.value.get_values_for_type(x509.DNSName))


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key signed it, and it says so."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001  # several of the library's, and one for each kind of foreign key
        return False
    return True


def cert_pem(*certificates: x509.Certificate) -> bytes:
    """The certificates as PEM, one after the other."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def key_pem(key: Key) -> bytes:
    """The private key as PKCS#8 in PEM, not encrypted."""
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


NewKey = Callable[[], Key]
"""Where keys come from."""


def _certificate(key: Key, at: datetime, end: datetime) -> x509.CertificateBuilder:
    """What all have in common. The serial number follows from the key, which is never used twice."""
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .public_key(public)
        .serial_number(int.from_bytes(_digest(key)[:19]) | 1)
        .not_valid_before(at - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _digest(key: Key) -> bytes:
    """The SHA-256 of the public key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_key().public_bytes(serialization.Encoding.DER, form)).digest()


def _named(name: str) -> x509.Name:
    """A name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    """A CA signs certificates, a leaf handshakes."""
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
