"""Writes what `certs.issue` made: PEM, DER, PKCS#12, and the encodings that people get wrong."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from certs.issue import Issued, Key

_SERIAL_ONE = bytes.fromhex("a003020102020101")


def cert_pem(*certificates: x509.Certificate | Issued) -> bytes:
    """Certificates one after the other, as in a certificate file or a CA bundle."""
    return b"".join(_bare(one).public_bytes(Encoding.PEM) for one in certificates)


def cert_der(certificate: x509.Certificate | Issued) -> bytes:
    """One certificate in DER."""
    return _bare(certificate).public_bytes(Encoding.DER)


def chain_pem(issued: Issued) -> bytes:
    """The certificate and its intermediates, leaf first."""
    return cert_pem(*issued.chain)


def key_pem(key: Issued | Key, *, traditional: bool = False, password: str = "") -> bytes:
    """A private key: PKCS#8, or `RSA PRIVATE KEY` and the like when traditional; encrypted when there is a password."""
    return _key_bytes(key, Encoding.PEM, traditional=traditional, password=password)


def key_der(key: Issued | Key, *, traditional: bool = False) -> bytes:
    """A private key in DER."""
    return _key_bytes(key, Encoding.DER, traditional=traditional)


def crl_pem(crl: x509.CertificateRevocationList) -> bytes:
    """A revocation list."""
    return crl.public_bytes(Encoding.PEM)


def p12(issued: Issued, password: str = "changeit") -> bytes:
    """Certificate and key in one PKCS#12 file."""
    key = issued.key
    encryption = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"client", key, issued.certificate, None, encryption)


def negative_serial_pem(issued: Issued) -> bytes:
    """The certificate, issued with serial 1, with -127 in its place; its signature no longer fits.

    Raises: ValueError when its serial is not 1.
    """
    der = cert_der(issued)
    if der.count(_SERIAL_ONE) != 1:
        raise ValueError(f"the serial must be 1, it is {issued.certificate.serial_number}")
    return wrap("CERTIFICATE", der.replace(_SERIAL_ONE, _SERIAL_ONE[:-1] + b"\x81"))


def wrap(label: str, der: bytes) -> bytes:
    """Any bytes as one PEM block."""
    name = label.encode()
    return b"-----BEGIN " + name + b"-----\n" + base64.encodebytes(der) + b"-----END " + name + b"-----\n"


def relabel(pem: bytes, label: str) -> bytes:
    """The PEM with another label in each BEGIN and END line."""
    lines = pem.split(b"\n")
    kinds = (b"BEGIN", b"END")
    new = {kind: b"-----" + kind + b" " + label.encode() + b"-----" for kind in kinds}
    return b"\n".join(next((new[kind] for kind in kinds if line.startswith(b"-----" + kind)), line) for line in lines)


def _bare(certificate: x509.Certificate | Issued) -> x509.Certificate:
    """The certificate itself."""
    return certificate.certificate if isinstance(certificate, Issued) else certificate


def _key_bytes(key: Issued | Key, encoding: Encoding, *, traditional: bool, password: str = "") -> bytes:
    """The private key in an encoding and a wrapping."""
    bare = key.key if isinstance(key, Issued) else key
    wrapping = PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8
    lock: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return bare.private_bytes(encoding, wrapping, lock)
