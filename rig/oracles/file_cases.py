"""Generates certificates with keys, CA bundles and revocation lists as people have them: sound, swapped, damaged.

The keys are new in every run; which damage is done where follows from the seed.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from random import Random

from certs.encode import cert_der, cert_pem, crl_pem, key_pem, relabel
from certs.issue import Dates, Issued, Profile, make_ca, make_crl, make_leaf
from rig.oracles.envoy import Files

DATES = Dates.around(datetime(2026, 11, 24, 9, tzinfo=UTC))
PAST = Dates(datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
SOUND = ("P-256", "P-384", "P-521", "Ed25519", "RSA-2048")
ODD = ("RSA-1024", "secp256k1", "P-224", "Ed448", "brainpoolP256r1")
BOM = b"\xef\xbb\xbf"
EC_PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
LABELS = ("TRUSTED CERTIFICATE", "X509 CERTIFICATE", "SOME CERTIFICATE", "RSA PRIVATE KEY", "PRIVATE KEY", "X509 CRL")

Damage = Callable[[Random, bytes], bytes]


@dataclass(frozen=True, slots=True)
class FileCase:
    """Files of one TLS context, and in words what was done to them."""

    name: str
    files: Files


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose certificates the cases hold."""

    root: Issued
    intermediate: Issued
    leaves: tuple[Issued, ...]
    odd: tuple[Issued, ...]


@cache
def parties() -> Parties:
    """A root, an intermediate, leaves below either with keys of every kind, also with such as nobody takes."""
    root = make_ca(DATES)
    intermediate = make_ca(DATES, Profile("Example Issuing CA", usages=None, is_ca=True), issuer=root)
    leaves = [make_leaf(issuer, DATES, Profile(key=kind)) for kind in SOUND for issuer in (root, intermediate)]
    odd = [make_leaf(root, DATES, Profile(key=kind)) for kind in ODD]
    return Parties(root, intermediate, (*leaves, make_leaf(root, PAST)), tuple(odd))


def file_cases(seed: int, count: int) -> Iterator[FileCase]:
    """So many cases: most of them pairs, then CA bundles, some revocation lists."""
    for number in range(count):
        dice = Random(f"files {seed} {number}")  # noqa: S311  cases, no secrets
        make = dice.choices((_pair, _bundle, _list), (11, 7, 2))[0]
        yield make(dice)


def _pair(dice: Random) -> FileCase:
    held = parties()
    leaf = dice.choice(held.odd if dice.random() < 0.05 else held.leaves)
    other = dice.choice(held.leaves) if dice.random() < 0.08 else leaf
    traditional = "Ed" not in type(other.key).__name__ and dice.random() < 0.5
    key = key_pem(other, traditional=traditional, password=dice.choice(["", "", "", "", "", "", "x"]))
    above = [held.intermediate.certificate, held.root.certificate]
    chain = [leaf.certificate, *dice.sample(above, dice.choice((0, 1, 1, 2)))]
    certificate = cert_pem(*(dice.sample(chain, len(chain)) if dice.random() < 0.1 else chain))
    if dice.random() < 0.03:
        certificate, key = key, certificate
    one, certificate = _damaged(dice, certificate)
    two, key = _damaged(dice, key) if dice.random() < 0.4 else ("", key)
    return FileCase(f"certificate: {one or 'whole'}; key: {two or 'whole'}", {"certificate": certificate, "key": key})


def _bundle(dice: Random) -> FileCase:
    held = parties()
    everybody = (held.root, held.intermediate, *held.leaves, *held.odd)
    parts = [cert_pem(one) for one in dice.choices(everybody, k=dice.randint(1, 4))]
    if dice.random() < 0.2:
        parts.insert(dice.randrange(len(parts) + 1), dice.choice((key_pem(held.leaves[0]), _revoked(), b"Issuer\n")))
    if dice.random() < 0.4:
        at = dice.randrange(len(parts))
        part, parts[at] = _damaged(dice, parts[at])
        return FileCase(f"CA, block {at}: {part or 'whole'}", {"ca": b"".join(parts)})
    what, ca = _damaged(dice, b"".join(parts))
    return FileCase(f"CA: {what or 'whole'}", {"ca": ca})


def _list(dice: Random) -> FileCase:
    crls = _revoked() * dice.randint(1, 2)
    what, crl = _damaged(dice, crls + cert_pem(parties().root) if dice.random() < 0.2 else crls)
    return FileCase(f"CRL: {what or 'whole'}", {"ca": cert_pem(parties().root), "crl": crl})


@cache
def _revoked() -> bytes:
    return crl_pem(make_crl(parties().root, DATES))


def _damaged(dice: Random, content: bytes) -> tuple[str, bytes]:
    """The content with no damage, one or two, and their names."""
    names = dice.sample(list(DAMAGES), dice.choices((0, 1, 2), (2, 6, 1))[0])
    for name in names:
        content = DAMAGES[name](dice, content) if content else content
    return ", then ".join(names), content


def _lines(change: Callable[[Random, list[bytes]], object]) -> Damage:
    """A damage to the lines of a file."""

    def damage(dice: Random, pem: bytes) -> bytes:
        lines = pem.splitlines(keepends=True)
        change(dice, lines)
        return b"".join(lines)

    return damage


def _at(put: Callable[[Random], bytes]) -> Damage:
    """Something put in at any place."""

    def damage(dice: Random, pem: bytes) -> bytes:
        at = dice.randrange(len(pem) + 1)
        return pem[:at] + put(dice) + pem[at:]

    return damage


def _one_byte_changed(dice: Random, pem: bytes) -> bytes:
    at = dice.randrange(len(pem))
    return pem[:at] + bytes([dice.randrange(0x20, 0x7F)]) + pem[at + 1 :]


def _one_byte_lost(dice: Random, pem: bytes) -> bytes:
    at = dice.randrange(len(pem))
    return pem[:at] + pem[at + 1 :]


DAMAGES: dict[str, Damage] = {
    "truncated": lambda dice, pem: pem[: dice.randrange(len(pem))],
    "beheaded": lambda dice, pem: pem[dice.randrange(len(pem)) :],
    "one byte changed": _one_byte_changed,
    "one byte lost": _one_byte_lost,
    "a blank more": _at(lambda dice: dice.choice((b" ", b"\t", b"\n", b"\r", b"\0", b"\n\n"))),
    "a line lost": _lines(lambda dice, lines: lines.pop(dice.randrange(len(lines)))),
    "a line twice": _lines(lambda dice, lines: lines.insert(dice.randrange(len(lines)), dice.choice(lines))),
    "a line of text": _lines(lambda dice, lines: lines.insert(dice.randrange(len(lines)), b"Bag Attributes\n")),
    "a header": _lines(lambda dice, lines: lines.insert(dice.randrange(len(lines)), b"junk: a\n")),
    "two lines swapped": _lines(lambda dice, lines: lines.sort(key=lambda _: dice.random() < 0.05)),
    "CRLF": lambda _, pem: pem.replace(b"\n", b"\r\n"),
    "CR": lambda _, pem: pem.replace(b"\n", b"\r"),
    r"line breaks as \n": lambda _, pem: pem.replace(b"\n", rb"\n"),
    "line breaks as blanks": lambda _, pem: pem.replace(b"\n", b" "),
    "indented": lambda dice, pem: pem.replace(b"\n", b"\n" + b" " * dice.randint(1, 4)),
    "blanks at line ends": lambda _, pem: pem.replace(b"\n", b"  \n"),
    "glued to itself": lambda _, pem: pem.rstrip() + pem,
    "twice": lambda _, pem: pem + pem,
    "no final newline": lambda _, pem: pem.rstrip(),
    "zeros behind": lambda _, pem: pem + b"\0" * 7,
    "a long line before": lambda dice, pem: b"x" * dice.choice((252, 253, 254, 506)) + dice.choice((b"", b"\n")) + pem,
    "a byte order mark": lambda _, pem: BOM + pem,
    "another label": lambda dice, pem: relabel(pem, dice.choice(LABELS)),
    "EC PARAMETERS before": lambda _, pem: EC_PARAMETERS + pem,
    "a key before": lambda _, pem: key_pem(parties().leaves[0]) + pem,
    "a key behind": lambda _, pem: pem + key_pem(parties().leaves[0]),
    "base64 again": lambda _, pem: base64.b64encode(pem),
    "UTF-16": lambda _, pem: pem.decode("latin-1").encode("utf-16"),
    "DER": lambda _, __: cert_der(parties().leaves[0]),
    "nothing left": lambda _, __: b"",
}
"""What may happen to a file: each takes a source of chance and the content."""
