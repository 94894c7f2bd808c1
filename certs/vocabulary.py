"""The words that stand for PEM in the examples of rules: `@client.cert` in a Secret becomes a certificate made here.

`@NAME.PART`: NAME is one of PEOPLE, PART one of PARTS. Everything is valid around the instant at which examples are
judged, except what says otherwise by its name; who lets them happen for real says which instant that is today.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from certs.encode import cert_der, cert_pem, chain_pem, crl_pem, key_pem, negative_serial_pem, p12
from certs.issue import CA, SERVER, Dates, Issued, Profile, make_ca, make_crl, make_leaf

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The instant at which an example without `at` is judged (`webhook.examples.AT`)."""

DAY = timedelta(days=1)


def _valid(at: datetime) -> Dates:
    return Dates.around(at)


def _past(at: datetime) -> Dates:
    return Dates(at - 400 * DAY, at - 3 * DAY)


def _soon(at: datetime) -> Dates:
    return Dates(at - 400 * DAY, at + 10 * DAY)


def _future(at: datetime) -> Dates:
    return Dates(at + 5 * DAY, at + 400 * DAY)


When = Callable[[datetime], Dates]
Who = Callable[[datetime], Issued]


def _ca(profile: Profile = CA, when: When = _valid, issuer: str = "") -> Who:
    return lambda at: make_ca(when(at), profile, issuer=person(issuer, at) if issuer else None)


def _client(when: When = _valid, issuer: str = "ca", **changes: Any) -> Who:
    return lambda at: make_leaf(person(issuer, at), when(at), Profile(**changes))


@cache
def person(name: str, at: datetime) -> Issued:
    """The certificate and key of that name; always the same ones within one process.

    Raises:
        KeyError: nobody in PEOPLE has that name.
    """
    return PEOPLE[name](at)


PEOPLE: Mapping[str, Who] = {
    "ca": _ca(),
    "other-ca": _ca(Profile("Other Root CA", usages=None, is_ca=True)),
    "expired-ca": _ca(Profile("Old Root CA", usages=None, is_ca=True), _past),
    "soon-ca": _ca(when=_soon),
    "future-ca": _ca(when=_future),
    "intermediate": _ca(Profile("Example Issuing CA", usages=None, is_ca=True), issuer="ca"),
    "client": _client(),
    "other": _client(name="other-client"),
    "expired": _client(_past),
    "soon": _client(_soon),
    "future": _client(_future),
    "server-only": _client(usages=(SERVER,)),
    "any-usage": _client(usages=None),
    "rsa": _client(key="RSA-2048"),
    "rsa-1024": _client(key="RSA-1024"),
    "p224": _client(key="P-224"),
    "p384": _client(key="P-384"),
    "secp256k1": _client(key="secp256k1"),
    "ed25519": _client(key="Ed25519"),
    "chained": _client(issuer="intermediate"),
    "serial-one": _client(serial=1),
}
"""Who certificates are issued to, by the word that examples use."""

PARTS: Mapping[str, Callable[[Issued], bytes]] = {
    "cert": cert_pem,
    "key": key_pem,
    "chain": chain_pem,
    "reversed-chain": lambda one: cert_pem(*reversed(one.chain)),
    "cert-then-key": lambda one: cert_pem(one) + key_pem(one),
    "key-then-cert": lambda one: key_pem(one) + cert_pem(one),
    "encrypted-key": lambda one: key_pem(one, password="a passphrase"),  # an example's, on purpose
    "traditional-key": lambda one: key_pem(one, traditional=True),
    "twice-encoded": lambda one: base64.b64encode(cert_pem(one)),
    "bom": lambda one: b"\xef\xbb\xbf" + cert_pem(one),
    "trusted": lambda one: cert_pem(one).replace(b" CERTIFICATE-", b" TRUSTED CERTIFICATE-"),
    "1001-times": lambda one: cert_pem(one) * 1001,
    "cut": lambda one: cert_pem(one)[:300] + b"\n-----END CERTIFICATE-----\n",
    "negative-serial": negative_serial_pem,
    "crl": lambda one: crl_pem(make_crl(one, _dates(one))),
}
"""What is written of them, as text."""

BINARY: Mapping[str, Callable[[Issued], bytes]] = {"der": cert_der, "p12": p12}
"""What is written of them and is no text: these words belong into `data`, where they are base64-encoded."""

WORKED_SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: external-system-mtls-data, namespace: devel}
stringData: {cert: "@client.cert", key: "@client.key", cacert: "@ca.cert"}
"""
"""The Secret of the worked example."""


def _dates(one: Issued) -> Dates:
    return Dates(one.certificate.not_valid_before_utc, one.certificate.not_valid_after_utc)


def word(text: str, at: datetime = AT) -> bytes:
    """What `@client.cert` stands for; words joined by `+` stand one after the other, by `+!` glued together.

    Raises:
        KeyError: an unknown word.
    """
    glued = text.split("+!")
    if len(glued) > 1:
        return b"".join(word(part, at).rstrip(b"\n") for part in glued)
    return b"".join(_one(part.strip(), at) for part in text.split("+"))


def _one(text: str, at: datetime) -> bytes:
    name, _, part = text.removeprefix("@").partition(".")
    return {**PARTS, **BINARY}[part or "cert"](person(name, at))


def fill(manifest: Mapping[str, Any], at: datetime = AT) -> Mapping[str, Any]:
    """The object with every word in a Secret's or ConfigMap's values replaced by what it stands for."""
    if manifest.get("kind") not in ("Secret", "ConfigMap"):
        return manifest
    encoded = manifest["kind"] == "Secret"
    filled = dict(manifest)
    for field in ("data", "stringData", "binaryData"):
        values = manifest.get(field)
        if isinstance(values, dict):
            binary = field == "binaryData" or (field == "data" and encoded)
            filled[field] = {key: _filled(value, at, binary=binary) for key, value in values.items()}
    return filled


def _filled(value: object, at: datetime, *, binary: bool) -> object:
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    made = word(value, at)
    return base64.b64encode(made).decode() if binary else made.decode()
