"""The rows of the certificate table and what people get wrong beside them, each with the refusal that a sidecar gives.

test_material compares our verdict; test_envoy_material asks Envoy and Go about the same bytes.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography.x509 import Certificate

from certs.encode import (
    cert_der,
    cert_pem,
    chain_pem,
    crl_pem,
    key_der,
    key_pem,
    negative_serial_pem,
    p12,
    relabel,
    wrap,
)
from certs.issue import SERVER, Dates, Issued, Profile, make_ca, make_crl, make_leaf

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
DATES = Dates.around(AT)
PAST = Dates(datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
FUTURE = Dates(datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
BOM = b"\xef\xbb\xbf"
EC_PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


@dataclass(frozen=True)
class PairCase:
    """A certificate file, a key file, and the code of the sidecar's refusal ('' where it loads)."""

    name: str
    certificate: bytes
    key: bytes
    code: str = ""


@dataclass(frozen=True)
class CaCase:
    """A CA bundle, and the code of the sidecar's refusal ('' where it loads)."""

    name: str
    ca: bytes
    code: str = ""


@dataclass(frozen=True)
class Parties:
    """The certificates that the cases share."""

    ca: Issued
    client: Issued
    intermediate: Issued
    below: Issued
    rsa: Issued


@cache
def parties() -> Parties:
    """One root, a client below it, an intermediate with a client below, and a client with an RSA key."""
    ca = make_ca(DATES)
    intermediate = make_ca(DATES, Profile("Example Issuing CA", usages=None, is_ca=True), issuer=ca)
    rsa = make_leaf(ca, DATES, Profile(key="RSA-2048"))
    return Parties(ca, make_leaf(ca, DATES), intermediate, make_leaf(intermediate, DATES), rsa)


@cache
def pair_cases() -> tuple[PairCase, ...]:
    """Every case of certificate and key."""
    return (*_kinds_of_key(), *_keys(), *_encodings(), *_layouts(), *_chains(), *_dates())


def _kinds_of_key() -> Iterator[PairCase]:
    ca = parties().ca
    kinds = {"P-256": "", "P-384": "", "P-521": "", "Ed25519": "", "RSA-2048": "", "RSA-1024": "small-rsa"}
    kinds |= {"RSA-2047": "small-rsa", "secp256k1": "curve", "P-224": "curve", "brainpoolP256r1": "curve"}
    kinds |= {"Ed448": "key-type", "DSA": "key-type"}
    for kind, code in kinds.items():
        leaf = make_leaf(ca, DATES, Profile(key=kind))
        yield PairCase(f"{kind} in PKCS#8", cert_pem(leaf), key_pem(leaf), code)
        if not kind.startswith("Ed"):
            yield PairCase(f"{kind} in its own wrapping", cert_pem(leaf), key_pem(leaf, traditional=True), code)


def _keys() -> Iterator[PairCase]:
    one, rsa = parties().client, parties().rsa
    cert, key, old = cert_pem(one), key_pem(one), key_pem(one, traditional=True)
    yield PairCase("key of another certificate", cert, key_pem(parties().below), "mismatch")
    yield PairCase("key of another type", cert, key_pem(rsa), "mismatch")
    yield PairCase("encrypted PKCS#8", cert, key_pem(one, password="x"), "encrypted")
    yield PairCase("encrypted by headers", cert, key_pem(one, traditional=True, password="x"), "encrypted")
    yield PairCase("certificate and key exchanged", key, cert, "swapped")
    yield PairCase("certificate in both files", cert, cert, "swapped")
    yield PairCase("key in both files", key, key, "swapped")
    yield PairCase("EC PARAMETERS before the key", cert, EC_PARAMETERS + old)
    yield PairCase("EC PARAMETERS only", cert, EC_PARAMETERS, "no-key")
    yield PairCase("EC PARAMETERS glued to the key", cert, EC_PARAMETERS.rstrip() + old, "glued")
    yield PairCase("PKCS#8 labelled RSA", cert_pem(rsa), relabel(key_pem(rsa), "RSA PRIVATE KEY"))
    yield PairCase(
        "PKCS#1 labelled PKCS#8", cert_pem(rsa), relabel(key_pem(rsa, traditional=True), "PRIVATE KEY"), "wrong-label"
    )
    yield PairCase("SEC1 labelled PKCS#8", cert, relabel(old, "PRIVATE KEY"), "wrong-label")
    yield PairCase("EC labelled RSA", cert, relabel(key, "RSA PRIVATE KEY"), "wrong-label")
    yield PairCase("label that nobody knows", cert, relabel(key, "SOME PRIVATE KEY"), "no-key")
    yield PairCase("certificate behind the key in the key file", cert, key + cert)
    yield PairCase("certificate before the key in the key file", cert, cert + key)
    yield PairCase("RSA key with a number changed", cert_pem(rsa), _inconsistent(rsa), "inconsistent-key")


def _inconsistent(rsa: Issued) -> bytes:
    """An RSA key whose last number (the coefficient) is off by a bit."""
    der = bytearray(key_der(rsa, traditional=True))
    der[-1] ^= 1
    return wrap("RSA PRIVATE KEY", bytes(der))


def _encodings() -> Iterator[PairCase]:
    one = parties().client
    cert, key = cert_pem(one), key_pem(one)
    yield PairCase("DER", cert_der(one), key_der(one), "no-block")
    yield PairCase("PKCS#12", p12(one), key, "no-block")
    yield PairCase("encoded twice", base64.b64encode(cert), base64.b64encode(key), "no-block")
    yield PairCase("byte order mark before the certificate", BOM + cert, key, "no-block")
    yield PairCase("byte order mark before the key", cert, BOM + key, "no-block")
    yield PairCase("UTF-16", cert.decode().encode("utf-16"), key, "no-block")
    yield PairCase("empty certificate", b"", key, "empty")
    yield PairCase("empty key", cert, b"", "empty")
    yield PairCase("text", b"hello", key, "no-block")
    yield PairCase("CRLF", cert.replace(b"\n", b"\r\n"), key.replace(b"\n", b"\r\n"))
    yield PairCase("CR only", cert.replace(b"\n", b"\r"), key, "unreadable-block")
    yield PairCase(r"line breaks as \n", cert.replace(b"\n", rb"\n"), key, "unreadable-block")
    yield PairCase("line breaks as blanks", cert.replace(b"\n", b" "), key, "unreadable-block")
    yield PairCase("body in one line", _rewrapped(cert, 5000), key)
    yield PairCase("body in lines of 76", _rewrapped(cert, 76), key)


def _rewrapped(pem: bytes, width: int) -> bytes:
    """The PEM with other line lengths."""
    first, *middle, last = pem.splitlines()
    body = b"".join(middle)
    return b"\n".join([first, *(body[at : at + width] for at in range(0, len(body), width)), last, b""])


def _layouts() -> Iterator[PairCase]:
    one = parties().client
    cert, key = cert_pem(one), key_pem(one)
    begin, end = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"
    yield PairCase("text before", b"Bag Attributes\n  friendlyName: x\n" + cert, b"Key Attributes: <none>\n" + key)
    yield PairCase("no final newline", cert.rstrip(), key.rstrip())
    yield PairCase("a carriage return inside a line", cert[:100] + b"\r" + cert[100:], key)
    yield PairCase("filled up at the end twice", _overfilled(parties().client.certificate), key, "unreadable-block")
    yield PairCase("blanks at line ends", cert.replace(b"\n", b"  \n"), key)
    yield PairCase("indented", cert.replace(b"\n-", b"\n  -"), key, "unreadable-block")
    yield PairCase("TRUSTED label", relabel(cert, "TRUSTED CERTIFICATE"), key, "no-certificate")
    yield PairCase("X509 label", relabel(cert, "X509 CERTIFICATE"), key, "no-certificate")
    yield PairCase("private key before the certificate", key + cert, key, "not-first")
    yield PairCase("private key behind the certificate", cert + key, key)
    yield PairCase("EC PARAMETERS before the certificate", EC_PARAMETERS + cert, key, "not-first")
    yield PairCase("blank line behind BEGIN", cert.replace(begin, begin + b"\n"), key)
    yield PairCase("blank line before END", cert.replace(end, b"\n" + end), key, "unreadable-block")
    yield PairCase("blank line in the middle", cert[:200] + b"\n\n" + cert[200:], key, "unreadable-block")
    yield PairCase("header inside", cert.replace(begin, begin + b"Comment: x\n\n"), key, "unreadable-block")
    yield PairCase("no END", cert.replace(end, b""), key, "unreadable-block")
    yield PairCase("END of another label", cert.replace(b"END CERT", b"END SERT"), key, "unreadable-block")
    yield PairCase("text behind END", cert.rstrip() + b" x\n", key, "unreadable-block")
    yield PairCase("cut short", cert[:283] + b"\n" + end, key, "unreadable-certificate")


def _overfilled(certificate: Certificate) -> bytes:
    """The certificate with one `=` too many at the end of its base64."""
    der = cert_der(certificate)
    return wrap("CERTIFICATE", der + b"\0" * (2 - len(der) % 3)).replace(b"=\n", b"==\n")


def _chains() -> Iterator[PairCase]:
    below, intermediate = parties().below, parties().intermediate
    key, chain = key_pem(below), chain_pem(below)
    yield PairCase("leaf, intermediate", chain, key)
    yield PairCase("leaf, text, intermediate", cert_pem(below) + b"Issuer\n" + cert_pem(intermediate), key)
    yield PairCase("intermediate first", cert_pem(intermediate, below), key, "leaf-not-first")
    yield PairCase("intermediate missing", cert_pem(below), key)
    yield PairCase("leaf and intermediate glued", chain.replace(b"-----\n-----", b"----------"), key, "glued")
    cut = cert_pem(intermediate)[:283] + b"\n-----END CERTIFICATE-----\n"
    yield PairCase("intermediate cut short", cert_pem(below) + cut, key, "unreadable-certificate")


def _dates() -> Iterator[PairCase]:
    ca = parties().ca
    forever = Dates(DATES.start, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    for name, leaf in {
        "expired": make_leaf(ca, PAST),
        "not yet valid": make_leaf(ca, FUTURE),
        "until the year 9999": make_leaf(ca, forever),
        "serverAuth only": make_leaf(ca, DATES, Profile(usages=(SERVER,))),
        "odd name": make_leaf(ca, DATES, Profile('Ünïcode, "quoted"+\n\x01', organization="=,\\")),
    }.items():
        yield PairCase(name, cert_pem(leaf), key_pem(leaf))
    negative = make_leaf(ca, DATES, Profile(serial=1))
    yield PairCase("negative serial", negative_serial_pem(negative), key_pem(negative), "negative-serial")


@cache
def ca_cases() -> tuple[CaCase, ...]:
    """Every case of a CA bundle."""
    return (*_bundles(), *_odd_bundles())


def _bundles() -> Iterator[CaCase]:
    ca, client, intermediate = parties().ca, parties().client, parties().intermediate
    pem = cert_pem(ca)
    yield CaCase("one root", pem)
    yield CaCase("the same twice", pem + pem)
    yield CaCase("root and intermediate", pem + cert_pem(intermediate))
    yield CaCase("only an intermediate", cert_pem(intermediate))
    yield CaCase("a leaf", cert_pem(client))
    yield CaCase("an expired root", cert_pem(make_ca(PAST)))
    yield CaCase("a weak root", cert_pem(make_ca(DATES, Profile(key="RSA-1024", is_ca=True))))
    yield CaCase(
        "a root on a curve that Go does not know",
        cert_pem(make_ca(DATES, Profile(key="secp256k1", is_ca=True))),
        "curve",
    )
    yield CaCase("a root with Ed448", cert_pem(make_ca(DATES, Profile(key="Ed448", is_ca=True))))
    yield CaCase(
        "negative serial", negative_serial_pem(make_ca(DATES, Profile(is_ca=True, serial=1))), "negative-serial"
    )
    yield CaCase("TRUSTED label", relabel(pem, "TRUSTED CERTIFICATE"))
    yield CaCase("a label that nobody knows", relabel(pem, "SOME CERTIFICATE"), "no-certificate")
    yield CaCase("150 certificates", cert_pem(*[ca] * 150))


def _odd_bundles() -> Iterator[CaCase]:
    ca, key = parties().ca, key_pem(parties().client)
    pem, crl = cert_pem(ca), crl_pem(make_crl(ca, DATES))
    cut = cert_pem(parties().intermediate)[:283] + b"\n-----END CERTIFICATE-----\n"
    yield CaCase("empty", b"", "empty")
    yield CaCase("text", b"hello", "no-block")
    yield CaCase("DER", cert_der(ca), "no-block")
    yield CaCase("encoded twice", base64.b64encode(pem), "no-block")
    yield CaCase("byte order mark", BOM + pem, "no-block")
    yield CaCase("byte order mark, then two", BOM + pem + pem)
    yield CaCase("two glued", pem.rstrip() + pem, "glued")
    yield CaCase("two glued, then a good one", pem.rstrip() + pem + pem, "glued")
    yield CaCase("a private key", key, "swapped")
    yield CaCase("a private key, then a root", key + pem)
    yield CaCase("a revocation list", crl, "no-certificate")
    yield CaCase("a root and a revocation list", pem + crl)
    yield CaCase("a good one and one cut short", pem + cut)
    yield CaCase("a zero byte in a BEGIN line", pem.replace(b"CERT", b"CE\0RT", 1) + pem)
    yield CaCase("one cut short", cut, "unreadable-certificate")
