"""The webhook's own certificates as the keys of a Secret, and back; where that Secret lives is left to others.

`ca.crt`, `ca.key`, `tls.crt`, `tls.key` as everywhere; `ca-announced.crt` and `ca-announced.key` while a CA is about to
take over; `ca-previous.crt` while an old one is trusted still.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from webhook.serving.ca import CertificatePair, Key, cert_pem, is_ca, key_pem
from webhook.serving.rotation import CertificateSet

PREVIOUS = "ca-previous.crt"
_PAIRS = {"ca": "ca", "leaf": "tls", "announced": "ca-announced"}


@dataclass(frozen=True, slots=True)
class DecodedSecret:
    """What a Secret holds. faults: what in it is of no use, in words without a byte of it."""

    state: CertificateSet
    faults: tuple[str, ...] = ()


def write_state(state: CertificateSet) -> dict[str, bytes]:
    """The values of the Secret's keys."""
    pairs = {name: getattr(state, part) for part, name in _PAIRS.items()}
    values = {f"{name}.crt": cert_pem(pair.certificate) for name, pair in pairs.items() if pair}
    values |= {f"{name}.key": key_pem(pair.key) for name, pair in pairs.items() if pair}
    return values | ({PREVIOUS: cert_pem(*state.previous)} if state.previous else {})


def read_state(values: Mapping[str, bytes]) -> DecodedSecret:
    """The state that these values are; what is damaged is left out, and never raises.

    A CA whose key is damaged can sign no more, but what it signed stays trusted.
    """
    faults: list[str] = []
    certificates = {part: _certificate(values, f"{name}.crt", faults) for part, name in _PAIRS.items()}
    pairs = {
        part: _pair(values, part, certificate, faults) for part, certificate in certificates.items() if certificate
    }
    keyless = certificates["ca"] if not pairs.get("ca") else None
    previous = _certificates(values, PREVIOUS, faults)
    trusted = tuple(ca for ca in (keyless, *previous) if ca and is_ca(ca))
    return DecodedSecret(
        CertificateSet(**{part: pair for part, pair in pairs.items() if pair}, previous=trusted), tuple(faults)
    )


def read_bundle(content: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a CA bundle; none at all where one of it cannot be read, as the API server takes it."""
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError:
        return ()


def _certificates(values: Mapping[str, bytes], name: str, faults: list[str]) -> tuple[x509.Certificate, ...]:
    """The certificates under this key."""
    bundle = read_bundle(values.get(name, b""))
    if not bundle and name in values:
        faults.append(f'key "{name}" is no certificate')
    return bundle


def _certificate(values: Mapping[str, bytes], name: str, faults: list[str]) -> x509.Certificate | None:
    """The first certificate under this key."""
    return next(iter(_certificates(values, name, faults)), None)


def _pair(
    values: Mapping[str, bytes], part: str, certificate: x509.Certificate, faults: list[str]
) -> CertificatePair | None:
    """The certificate with its key, if it has one that fits and may sign what it is there to sign."""
    name = f"{_PAIRS[part]}.key"
    key = _key(values.get(name, b""))
    problem = ""
    if key is None:
        problem = "is no private key as we make them"
    elif key.public_key() != certificate.public_key():
        problem = "does not belong to its certificate"
    elif part != "leaf" and not is_ca(certificate):
        problem = "belongs to a certificate that is no CA"
    if problem:
        faults.append(f'key "{name}" {problem}')
    return CertificatePair(certificate, key) if key and not problem else None


def _key(content: bytes) -> Key | None:
    """A private key of an elliptic curve."""
    try:
        private_key = load_pem_private_key(content, None)
    except Exception:  # noqa: BLE001  # the library has several, and whatever is no key of ours is made anew
        return None
    return private_key if isinstance(private_key, Key) else None
