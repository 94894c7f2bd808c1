"""Issues CAs and leaf certificates; how they are written to files is for `certs.encode`.

Dates come in as arguments, so that a test decides what is expired; keys are random, EC by default, which takes a
tenth of a millisecond.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH

Key = (
    rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
"""The private keys that can sign a certificate."""

_KEYS: dict[str, Callable[[], Key]] = {
    "P-224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "DSA": lambda: dsa.generate_private_key(2048),
}


@dataclass(frozen=True, slots=True)
class Dates:
    """From when until when a certificate is valid, aware UTC."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, at: datetime, *, days: int = 365) -> Self:
        """Valid from a day before a moment until so many days after it."""
        return cls(at - timedelta(days=1), at + timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate says. key: as in make_key. usages: None leaves the extension out; so does is_ca None.

    hosts: DNS names and IP addresses of the server. serial: random when None.
    """

    name: str = "client"
    organization: str = "Example"
    key: str = "P-256"
    usages: tuple[ObjectIdentifier, ...] | None = (CLIENT,)
    hosts: tuple[str, ...] = ()
    is_ca: bool | None = False
    serial: int | None = None
    digest: hashes.SHA256 | hashes.SHA384 | hashes.SHA512 = field(default_factory=hashes.SHA256)


CA = Profile("Example Root CA", usages=None, is_ca=True)
CLIENT_PROFILE = Profile()
SERVER_PROFILE = Profile("external.system.com", usages=(SERVER,), hosts=("external.system.com",))


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, its private key, and who issued it (None: itself)."""

    certificate: x509.Certificate
    key: Key = field(repr=False)
    issuer: "Issued | None" = None

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificate and its issuers, without the root: what belongs into a certificate file."""
        if self.issuer is None:
            return ()
        return (self.certificate, *self.issuer.chain)


def make_key(kind: str = "P-256") -> Key:
    """A new private key: `P-256` and the other curves, `Ed25519`, `Ed448`, `DSA`, or `RSA-2048` of any size."""
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    return _KEYS[kind]()


def make_ca(dates: Dates, profile: Profile = CA, *, issuer: Issued | None = None) -> Issued:
    """A CA: a root, or an intermediate when it has an issuer."""
    return _issue(issuer, dates, profile)


def make_leaf(ca: Issued | None, dates: Dates, profile: Profile = CLIENT_PROFILE) -> Issued:
    """A certificate that a CA issued, or a self-signed one where ca is None."""
    return _issue(ca, dates, profile)


def make_crl(ca: Issued, dates: Dates) -> x509.CertificateRevocationList:
    """An empty revocation list of a CA; the end of the dates is its next update."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.certificate.subject)
    return builder.last_update(dates.start).next_update(dates.end).sign(ca.key, hashes.SHA256())


def _issue(issuer: Issued | None, dates: Dates, profile: Profile) -> Issued:
    """Signs what the profile says, with the issuer's key or its own."""
    key = make_key(profile.key)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, profile.organization),
            x509.NameAttribute(NameOID.COMMON_NAME, profile.name),
        ]
    )
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() if profile.serial is None else profile.serial)
        .not_valid_before(dates.start)
        .not_valid_after(dates.end)
    )
    builder = _extend(builder, profile, key, signer)
    edwards = isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return Issued(builder.sign(signer, None if edwards else profile.digest), key, issuer)


def _extend(
    builder: x509.CertificateBuilder,
    profile: Profile,
    key: Key,
    signer: Key,
) -> x509.CertificateBuilder:
    """Adds the extensions that the profile asks for, and both key identifiers."""
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if profile.is_ca is not None:
        constraints = x509.BasicConstraints(ca=profile.is_ca, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(_key_usage(is_ca=profile.is_ca), critical=True)
    if profile.usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(profile.usages), critical=False)
    if profile.hosts:
        names = x509.SubjectAlternativeName([alternative_name(host) for host in profile.hosts])
        builder = builder.add_extension(names, critical=False)
    return builder


def alternative_name(host: str) -> x509.GeneralName:
    """A host as a certificate names it: by address where it is one."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, is_ca: bool) -> x509.KeyUsage:
    """Signing certificates and lists for a CA, signing handshakes for others."""
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
