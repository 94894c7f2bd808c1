"""The words that stand for PEM in the examples of rules: `@client.cert` in a Secret becomes a certificate made here.

`@NAME.PART`: NAME is one of PEOPLE, PART one of PARTS. Everything is valid around the instant at which examples are
judged, except what says otherwise by its name.
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
VALID = Dates.around(AT)
PAST = Dates(AT - 400 * DAY, AT - 3 * DAY)
SOON = Dates(AT - 400 * DAY, AT + 10 * DAY)
FUTURE = Dates(AT + 5 * DAY, AT + 400 * DAY)


def _client(dates: Dates = VALID, **changes: Any) -> Issued:
    return make_leaf(person("ca"), dates, Profile(**changes))


@cache
def person(name: str) -> Issued:
    """The certificate and key of that name; always the same ones within one process.

    Raises:
        KeyError: nobody in PEOPLE has that name.
    """
    return PEOPLE[name]()


PEOPLE: Mapping[str, Callable[[], Issued]] = {
    "ca": lambda: make_ca(VALID),
    "other-ca": lambda: make_ca(VALID, Profile("Other Root CA", usages=None, is_ca=True)),
    "expired-ca": lambda: make_ca(PAST, Profile("Old Root CA", usages=None, is_ca=True)),
    "soon-ca": lambda: make_ca(SOON, CA),
    "future-ca": lambda: make_ca(FUTURE, CA),
    "intermediate": lambda: make_ca(VALID, Profile("Example Issuing CA", usages=None, is_ca=True), issuer=person("ca")),
    "client": _client,
    "other": lambda: _client(name="other-client"),
    "expired": lambda: _client(PAST),
    "soon": lambda: _client(SOON),
    "future": lambda: _client(FUTURE),
    "server-only": lambda: _client(usages=(SERVER,)),
    "any-usage": lambda: _client(usages=None),
    "rsa": lambda: _client(key="RSA-2048"),
    "rsa-1024": lambda: _client(key="RSA-1024"),
    "p224": lambda: _client(key="P-224"),
    "p384": lambda: _client(key="P-384"),
    "secp256k1": lambda: _client(key="secp256k1"),
    "ed25519": lambda: _client(key="Ed25519"),
    "chained": lambda: make_leaf(person("intermediate"), VALID),
    "serial-one": lambda: _client(serial=1),
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
    "crl": lambda one: crl_pem(make_crl(one, VALID)),
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


def word(text: str) -> bytes:
    """What `@client.cert` stands for; words joined by `+` stand one after the other, by `+!` glued together.

    Raises:
        KeyError: an unknown word.
    """
    glued = text.split("+!")
    if len(glued) > 1:
        return b"".join(word(part).rstrip(b"\n") for part in glued)
    return b"".join(_one(part.strip()) for part in text.split("+"))


def _one(text: str) -> bytes:
    name, _, part = text.removeprefix("@").partition(".")
    return {**PARTS, **BINARY}[part or "cert"](person(name))


def fill(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with every word in a Secret's or ConfigMap's values replaced by what it stands for."""
    if manifest.get("kind") not in ("Secret", "ConfigMap"):
        return manifest
    encoded = manifest["kind"] == "Secret"
    filled = dict(manifest)
    for field in ("data", "stringData", "binaryData"):
        values = manifest.get(field)
        if isinstance(values, dict):
            binary = field == "binaryData" or (field == "data" and encoded)
            filled[field] = {key: _filled(value, binary=binary) for key, value in values.items()}
    return filled


def _filled(value: object, *, binary: bool) -> object:
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    made = word(value)
    return base64.b64encode(made).decode() if binary else made.decode()
