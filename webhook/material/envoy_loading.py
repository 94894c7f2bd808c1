"""Whether Envoy loads certificate, key, CA bundle and revocation list as they stand in their files.

Measured with Envoy 1.40.0 (BoringSSL), `rig/oracles/files.py` asks it again. In a sidecar the files pass the
agent first (`agent`), `sidecar` joins the two. Envoy looks at nobody's dates here.
"""

from webhook.material.refusal import LoadFailure, Role, mismatch, no_pem_block
from webhook.model.material import Block, CertificateFacts, KeyFacts, Material

CERTIFICATES = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_CURVES = frozenset({"P-256", "P-384", "P-521"})
_SMALLEST_RSA_BITS = 2048
_WRAPPINGS = {
    "PRIVATE KEY": frozenset({("RSA", "pkcs8"), ("EC", "pkcs8"), ("Ed25519", "pkcs8")}),
    "RSA PRIVATE KEY": frozenset({("RSA", "pkcs1"), ("RSA", "pkcs8")}),
    "EC PRIVATE KEY": frozenset({("EC", "sec1"), ("EC", "pkcs8")}),
    "DSA PRIVATE KEY": frozenset({("DSA", "")}),
    "ENCRYPTED PRIVATE KEY": frozenset(),
}
"""The labels that Envoy takes for a key, and the types and wrappings that it takes behind each."""
_OLD_KEYS = frozenset({"RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"})
"""Those that it also parses where it looks for CAs or revocation lists only."""
_CRL = "X509 CRL"


def envoy_refuses_pair(certificate: Material, key: Material) -> LoadFailure | None:
    """Why Envoy does not load the pair, None when it does; a placeholder is never refused."""
    if certificate.placeholder or key.placeholder:
        return None
    leaf, private_key = _leaf(certificate), _key(key)
    if isinstance(leaf, LoadFailure):
        return leaf
    if isinstance(private_key, LoadFailure):
        return private_key
    return None if private_key.public_key == leaf.public_key else mismatch(certificate, private_key, "envoy")


def envoy_refuses_ca(ca: Material) -> LoadFailure | None:
    """Why Envoy does not load a CA bundle as it stands, None when it does."""
    if ca.placeholder or ca.unread:
        return None
    faults = _certificates(ca, "ca")
    if isinstance(faults, LoadFailure):
        return faults
    if faults:
        return None
    return no_pem_block(ca, "envoy", "ca") or LoadFailure("swapped" if ca.keys else "no-certificate", "envoy", "ca")


def envoy_refuses_crl(crl: Material) -> LoadFailure | None:
    """Why Envoy does not load a file of revocation lists, None when it does; one without any list loads, too."""
    if crl.placeholder or crl.unread:
        return None
    failure = _certificates(crl, "crl")
    return failure if isinstance(failure, LoadFailure) else None


def _leaf(certificate: Material) -> CertificateFacts | LoadFailure:
    """The certificate that Envoy takes for the client's, or why there is none.

    What follows the first certificate in its block must be OpenSSL's trust settings, which nobody here reads.
    """
    certificates = _certificates(certificate, "certificate")
    if isinstance(certificates, LoadFailure):
        return certificates
    if not certificates:
        swapped = "swapped" if certificate.keys else "no-certificate"
        return no_pem_block(certificate, "envoy", "certificate") or LoadFailure(swapped, "envoy", "certificate")
    index, leaf = certificates[0]
    if certificate.blocks[index].cut and not certificate.blocks[index].label.startswith("TRUSTED"):
        return LoadFailure("unreadable-certificate", "envoy", "certificate", index, certain=False)
    if leaf.key_type == "RSA" and leaf.key_bits < _SMALLEST_RSA_BITS:
        return LoadFailure("small-rsa", "envoy", "certificate", index)
    if leaf.key_type == "EC" and leaf.curve not in _CURVES:
        return LoadFailure("curve", "envoy", "certificate", index)
    return leaf if leaf.key_type in ("RSA", "EC", "Ed25519") else LoadFailure("key-type", "envoy", "certificate", index)


def _certificates(material: Material, role: Role) -> list[tuple[int, CertificateFacts]] | LoadFailure:
    """The certificates of a file with their indexes, or the first thing in it that Envoy cannot read."""
    certificates = []
    for index, block in enumerate(material.blocks):
        if block.fatal:
            return LoadFailure("glued" if material.glued else "unreadable-block", "envoy", role, index)
        if block.envoy and block.label in CERTIFICATES:
            if block.certificate is None:
                return LoadFailure("unreadable-certificate", "envoy", role, index, certain=block.cut)
            certificates.append((index, block.certificate))
        elif role != "certificate" and block.envoy and _is_unreadable(block):
            code = "unreadable-crl" if block.label == _CRL else "unreadable-key"
            return LoadFailure(code, "envoy", role, index, certain=block.cut)
    return certificates


def _is_unreadable(block: Block) -> bool:
    """Whether Envoy, which also parses revocation lists and old keys where it looks for CAs, cannot parse this one."""
    return (block.label == _CRL and block.crl is None) or (block.label in _OLD_KEYS and block.key is None)


def _key(key: Material) -> KeyFacts | LoadFailure:
    """The key that Envoy takes, or why there is none."""
    for index, block in enumerate(key.blocks):
        if block.fatal:
            return LoadFailure("glued" if key.glued else "unreadable-block", "envoy", "key", index)
        if block.envoy and block.label in _WRAPPINGS:
            return _own_key(block, index)
    swapped = "swapped" if key.certificates else "no-key"
    return no_pem_block(key, "envoy", "key") or LoadFailure(swapped, "envoy", "key")


def _own_key(block: Block, index: int) -> KeyFacts | LoadFailure:
    """The block's key, or why Envoy does not take it."""
    if block.key is None:
        return LoadFailure("unreadable-key", "envoy", "key", index)
    if block.key.encrypted:
        return LoadFailure("encrypted", "envoy", "key", index)
    if (block.key.key_type, block.key.container) not in _WRAPPINGS[block.label]:
        return LoadFailure("wrong-label", "envoy", "key", index)
    return block.key if block.key.consistent else LoadFailure("inconsistent-key", "envoy", "key", index)
