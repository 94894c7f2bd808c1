"""DER of a private key -> its facts; nothing that it answers holds bytes or numbers of the key."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPrivateNumbers
from cryptography.hazmat.primitives.serialization import load_der_private_key

from webhook.material.public_key import public_key_facts
from webhook.model.material import KeyFacts


def key_facts(der: bytes) -> KeyFacts | None:
    """The facts of one unencrypted private key, None where these bytes are none.

    The library's own check of an RSA key takes 43 ms; whether the numbers belong together is seen in 0.03 ms, and
    more the two programs do not ask either (they do not test primes).
    """
    try:
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        public = public_key_facts(key.public_key())
        consistent = not isinstance(key, RSAPrivateKey) or _belong_together(key.private_numbers())
    except Exception:  # noqa: BLE001  (whatever the library says stays here: it must not carry bytes of a key)
        return None
    return KeyFacts(
        key_type=public.type,
        key_bits=public.bits,
        curve=public.curve,
        public_key=public.identity,
        container=container(der),
        consistent=consistent,
    )


def container(der: bytes) -> str:
    """How the key is wrapped: `pkcs8`, `pkcs1`, `sec1`, or '' for another; from its first bytes."""
    if der[:1] != b"\x30" or len(der) < 2:
        return ""
    start = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    kinds = {b"\x02\x01\x00\x30": "pkcs8", b"\x02\x01\x01\x30": "pkcs8", b"\x02\x01\x00\x02": "pkcs1"}
    return kinds.get(der[start : start + 4], "sec1" if der[start : start + 4] == b"\x02\x01\x01\x04" else "")


def _belong_together(numbers: RSAPrivateNumbers) -> bool:
    """Whether the private numbers of an RSA key fit its public ones, as both Go and BoringSSL ask."""
    p, q, d = numbers.p, numbers.q, numbers.d
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    return (
        p * q == n
        and e * d % (p - 1) == e * d % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
    )
