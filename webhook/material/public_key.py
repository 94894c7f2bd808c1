"""Type, size and identity of a public key, of a certificate or of a private key alike."""

import hashlib
from dataclasses import dataclass
from sys import intern

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_CURVES = {"secp224r1": "P-224", "secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True, slots=True)
class PublicKeyFacts:
    """What CertificateFacts and KeyFacts say of a public key; identity is the hex SHA-256 of its DER."""

    type: str
    bits: int = 0
    curve: str = ""
    identity: str = ""


def public_key_facts(key: PublicKeyTypes) -> PublicKeyFacts:
    """The facts of a public key of `cryptography`; another type goes by its name: `Ed25519`, `X448`."""
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    identity = intern(hashlib.sha256(encoded).hexdigest())  # one for the certificate and its key
    if isinstance(key, rsa.RSAPublicKey):
        return PublicKeyFacts("RSA", key.key_size, "", identity)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return PublicKeyFacts("EC", key.key_size, _CURVES.get(key.curve.name, key.curve.name), identity)
    if isinstance(key, dsa.DSAPublicKey):
        return PublicKeyFacts("DSA", key.key_size, "", identity)
    return PublicKeyFacts(type(key).__name__.removesuffix("PublicKey"), 0, "", identity)
