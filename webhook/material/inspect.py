"""Bytes of one value -> Material: facts only, whatever the bytes are."""

import hashlib
from weakref import WeakValueDictionary

from webhook.material.encoding import form_of, outer_length
from webhook.material.pem import RawBlock, scan
from webhook.model.material import Block, CertificateFacts, CrlFacts, KeyFacts, Material

NOT_A_CERTIFICATE = "it is no certificate that can be read"
NOT_A_KEY = "it is no private key that can be read"
NOT_A_CRL = "it is no revocation list that can be read"
ENCRYPTED = "it is encrypted"
MOST_BYTES = 3 * 1024 * 1024
"""Three times what a Secret can hold; a larger value is measured and not read."""


def read_material(data: bytes) -> Material:
    """What a value is. Never raises; the answer holds no byte of a key, and of a certificate only names and numbers.

    A value above MOST_BYTES is `binary` and not looked into: the API server stores no Secret as large. The same CA
    bundle stands in the Secrets of all its clients: values without a key are known again by their hash while anybody
    holds their facts.
    """
    if len(data) > MOST_BYTES:
        return Material("binary", len(data))
    if b"PRIVATE KEY" in data:
        return _read(data)
    digest = hashlib.sha256(data).digest()
    material = _KNOWN.get(digest)
    if material is None:
        material = _KNOWN[digest] = _read(data)
    return material


_KNOWN: WeakValueDictionary[bytes, Material] = WeakValueDictionary()


def _read(data: bytes) -> Material:
    file = scan(data) if b"-----BEGIN " in data else None
    if file is None or not file.blocks:
        return Material(form_of(data, has_blocks=False), len(data))
    blocks = tuple(_block(raw) for raw in file.blocks)
    form = form_of(data, has_blocks=True)
    return Material(form, len(data), blocks, glued=file.glued, garbage=file.garbage, unread=file.unread)


def _block(raw: RawBlock) -> Block:
    """One block with the facts of what stands in it."""
    facts: CertificateFacts | KeyFacts | CrlFacts | None = None
    problem = ""
    if raw.label.endswith("CERTIFICATE"):
        facts, problem = _certificate(raw), NOT_A_CERTIFICATE
    elif raw.label.endswith("PRIVATE KEY"):
        facts, problem = _key(raw), NOT_A_KEY
    elif raw.label == "X509 CRL":
        facts, problem = _crl(raw), NOT_A_CRL
    if isinstance(facts, KeyFacts) and facts.encrypted:
        problem = ENCRYPTED
    elif facts is not None:
        problem = ""
    return Block(
        label=raw.label,
        certificate=facts if isinstance(facts, CertificateFacts) else None,
        key=facts if isinstance(facts, KeyFacts) else None,
        problem=raw.problem or problem,
        crl=facts if isinstance(facts, CrlFacts) else None,
        agent=raw.agent,
        envoy=raw.envoy,
        fatal=raw.fatal,
        cut=outer_length(raw.der) != len(raw.der),
    )


def _certificate(raw: RawBlock) -> CertificateFacts | None:
    """The certificate, without what follows it in its block: OpenSSL's trust settings, or anything else."""
    from webhook.material.x509 import certificate_facts

    return certificate_facts(raw.der[: max(outer_length(raw.der), 0)])


def _key(raw: RawBlock) -> KeyFacts | None:
    """The private key, or only that it is encrypted."""
    if raw.encrypted or raw.label == "ENCRYPTED PRIVATE KEY":
        return KeyFacts("", encrypted=True)
    from webhook.material.private_key import key_facts

    return key_facts(raw.der[: max(outer_length(raw.der), 0)])


def _crl(raw: RawBlock) -> CrlFacts | None:
    """The revocation list, without what follows it in its block, as Envoy reads it."""
    from webhook.material.x509 import crl_facts

    return crl_facts(raw.der[: max(outer_length(raw.der), 0)])
