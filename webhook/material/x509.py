"""DER -> facts of a certificate or revocation list, with `cryptography`; private keys are for `private_key`.

Imported when the first block is read, not before: the library costs much of a command's start. Never raises on any
bytes.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from sys import intern
from typing import Any, TypeVar

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, PublicKeyAlgorithmOID

from webhook.material.public_key import PublicKeyFacts, public_key_facts
from webhook.model.material import CertificateFacts, CrlFacts

_LONGEST_NAME = 200
_LONGEST_OID, _MOST_USAGES, _LONGEST_IDENTIFIER = 100, 16, 64
"""Bounds of what is kept of a certificate: characters of a number, usages without a name, bytes of a key identifier."""
_USAGES = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
}
_KEY_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "contentCommitment",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}
_T = TypeVar("_T")


def certificate_facts(der: bytes) -> CertificateFacts | None:
    """The facts of one certificate, None where these bytes are none."""
    return _or(None, lambda: _certificate(der))


def crl_facts(der: bytes) -> CrlFacts | None:
    """The facts of one certificate revocation list, None where these bytes are none."""
    return _or(None, lambda: _crl(der))


def _certificate(der: bytes) -> CertificateFacts:
    """As certificate_facts; raises where a certificate has no readable name or date."""
    _hush()
    certificate = x509.load_der_x509_certificate(der)
    key, subject, issuer = _public_key(certificate), certificate.subject, certificate.issuer
    listed: tuple[x509.Extension[Any], ...] = _or((), lambda: tuple(certificate.extensions))
    extensions = _Extensions({type(extension.value): extension.value for extension in listed})
    return CertificateFacts(
        subject=readable(subject),
        issuer=intern(readable(issuer)),  # its words stand in thousands of certificates, and once in memory
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_type=key.type,
        key_bits=key.bits,
        curve=key.curve,
        public_key=key.identity,
        subject_id=_digest(subject.public_bytes()),
        issuer_id=intern(_digest(issuer.public_bytes())),
        subject_key=_or("", extensions.subject_key),
        issuer_key=intern(_or("", extensions.issuer_key)),
        is_ca=_or(None, extensions.is_ca),
        usages=_or(None, extensions.usages),
        key_usages=_or(None, extensions.key_usages),
        fingerprint=_digest(der),
        negative_serial=certificate.serial_number < 0,
    )


def _public_key(certificate: x509.Certificate) -> PublicKeyFacts:
    """The certificate's key; of a type that the library does not know, only its number."""
    kind = certificate.public_key_algorithm_oid
    key = _or(PublicKeyFacts(kind.dotted_string), lambda: public_key_facts(certificate.public_key()))
    return replace(key, type="RSA-PSS") if kind == PublicKeyAlgorithmOID.RSASSA_PSS else key


def _crl(der: bytes) -> CrlFacts:
    """As crl_facts; raises where the list has no readable name or date."""
    _hush()
    crl = x509.load_der_x509_crl(der)
    until: datetime | None = crl.next_update_utc
    return CrlFacts(readable(crl.issuer), crl.last_update_utc, until, _digest(crl.issuer.public_bytes()))


def readable(name: x509.Name) -> str:
    """A name for people, `CN=client,O=Example`, cut to 200 characters."""
    text = _or("(unreadable name)", name.rfc4514_string)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."


@dataclass(frozen=True, slots=True)
class _Extensions:
    """The extensions of one certificate; each question raises where its extension is absent or malformed."""

    all: Mapping[type, Any]

    def subject_key(self) -> str:
        """The subject key identifier in hex."""
        return _text(self.all[x509.SubjectKeyIdentifier].digest)

    def issuer_key(self) -> str:
        """The authority key identifier in hex, '' when the extension holds none."""
        return _text(self.all[x509.AuthorityKeyIdentifier].key_identifier)

    def is_ca(self) -> bool:
        """What the basic constraints say."""
        ca: bool = self.all[x509.BasicConstraints].ca
        return ca

    def usages(self) -> tuple[str, ...]:
        """The extended key usages by short name, a dotted number where there is none."""
        names: dict[str, None] = {}
        for usage in self.all[x509.ExtendedKeyUsage]:
            name = _USAGES.get(usage, "")
            if name or len(names) < _MOST_USAGES:
                names[name or usage.dotted_string[:_LONGEST_OID]] = None
        return tuple(names)

    def key_usages(self) -> tuple[str, ...]:
        """The key usages that are set, by the names of RFC 5280."""
        usage = self.all[x509.KeyUsage]
        return tuple(name for field, name in _KEY_USAGES.items() if getattr(usage, field))


def _text(identifier: bytes | None) -> str:
    """Hex, '' for none; of an identifier that is longer than any hash, its hash."""
    digits = identifier or b""
    return digits.hex() if len(digits) <= _LONGEST_IDENTIFIER else _digest(digits)


def _digest(content: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(content).hexdigest()


def _hush() -> None:
    """Keeps the library's remarks on odd certificates off the terminal; facts say what matters.

    Set again for each read, since whoever resets the filters would let them out; a filter that stands already is not
    added twice.
    """
    warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)


def _or(otherwise: _T, read: Callable[[], _T]) -> _T:
    """What read answers, or the other value where the library cannot: absent, malformed and unknown are alike."""
    try:
        return read()
    except Exception:  # noqa: BLE001  (the library raises a dozen types on malformed input, and may add more)
        return otherwise
