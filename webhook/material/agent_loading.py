"""Whether Istio's agent loads a certificate with its key, and a CA bundle; what Envoy does with them is for `envoy`.

Source: `tls.X509KeyPair` of Go 1.26, then `ParseCertAndGetExpiryTimestamp` and `ParseRootCerts` of Istio 1.31. It
hands certificate and key on as they are, of a CA bundle only what it could read.
"""

from webhook.material.refusal import LoadFailure, Role, mismatch, no_pem_block
from webhook.model.material import Block, CertificateFacts, KeyFacts, Material

_KEY_TYPES = frozenset({"RSA", "EC", "Ed25519"})
_CURVES = frozenset({"", "P-224", "P-256", "P-384", "P-521"})


def agent_refuses_pair(certificate: Material, key: Material) -> LoadFailure | None:
    """Why the agent does not load the pair, None when it does; a placeholder is never refused."""
    if certificate.placeholder or key.placeholder:
        return None
    leaf, private_key = _leaf(certificate), _key(key)
    if isinstance(leaf, LoadFailure):
        return leaf
    if isinstance(private_key, LoadFailure):
        return private_key
    if private_key.public_key != leaf.public_key:
        return mismatch(certificate, private_key, "agent")
    index, leaf_block = next((index, block) for index, block in enumerate(certificate.blocks) if block.agent)
    return None if _parses(leaf_block) else LoadFailure("not-first", "agent", "certificate", index)


def agent_refuses_ca(ca: Material) -> LoadFailure | None:
    """Why the agent finds no certificate in a CA bundle, None when it finds one."""
    if ca.placeholder or ca.unread or agent_keeps(ca):
        return None
    drops = agent_drops(ca)
    if drops and any(ca.blocks[index].agent for index in drops):
        index = next(index for index in drops if ca.blocks[index].agent)
        failure = _certificate(ca.blocks[index], index, "ca")
        return failure if isinstance(failure, LoadFailure) else None
    return no_pem_block(ca, "agent", "ca") or LoadFailure("swapped" if ca.keys else "no-certificate", "agent", "ca")


def agent_keeps(ca: Material) -> tuple[int, ...]:
    """Indexes of the blocks of a CA bundle that the agent hands on to Envoy."""
    return tuple(index for index, block in enumerate(ca.blocks) if block.agent and _parses(block))


def agent_drops(ca: Material) -> tuple[int, ...]:
    """Indexes of the certificates of a CA bundle, readable or not, that the agent drops; only its log says so."""
    accepted = frozenset(agent_keeps(ca))
    certificates = (index for index, block in enumerate(ca.blocks) if block.label.endswith("CERTIFICATE"))
    return tuple(index for index in certificates if index not in accepted)


def _leaf(certificate: Material) -> CertificateFacts | LoadFailure:
    """The certificate that the agent takes for the client's, or why there is none."""
    for index, block in enumerate(certificate.blocks):
        if block.agent and block.label == "CERTIFICATE":
            facts = _certificate(block, index, "certificate")
            if isinstance(facts, LoadFailure) or facts.key_type in _KEY_TYPES:
                return facts
            return LoadFailure("key-type", "agent", "certificate", index)
    swapped = "swapped" if certificate.keys else "no-certificate"
    return no_pem_block(certificate, "agent", "certificate") or LoadFailure(swapped, "agent", "certificate")


def _key(key: Material) -> KeyFacts | LoadFailure:
    """The key that the agent takes, or why there is none."""
    for index, block in enumerate(key.blocks):
        if block.agent and (block.label == "PRIVATE KEY" or block.label.endswith(" PRIVATE KEY")):
            return _own_key(block, index)
    swapped = "swapped" if key.certificates else "no-key"
    return no_pem_block(key, "agent", "key") or LoadFailure(swapped, "agent", "key")


def _own_key(block: Block, index: int) -> KeyFacts | LoadFailure:
    """The block's key, or why the agent does not take it. Go overlooks what follows a PKCS#8 key."""
    if block.key is None or (block.cut and not block.key.encrypted):
        return LoadFailure("unreadable-key", "agent", "key", index, certain=False)
    if block.key.encrypted:
        return LoadFailure("encrypted", "agent", "key", index)
    if block.key.curve not in _CURVES:
        return LoadFailure("curve", "agent", "key", index)
    if block.key.key_type not in _KEY_TYPES:
        return LoadFailure("key-type", "agent", "key", index)
    return block.key if block.key.consistent else LoadFailure("inconsistent-key", "agent", "key", index)


def _certificate(block: Block, index: int, role: Role) -> CertificateFacts | LoadFailure:
    """The block's certificate, or why Go does not parse it."""
    facts = block.certificate
    if facts is None or block.cut:
        return LoadFailure("unreadable-certificate", "agent", role, index, certain=block.cut)
    if facts.negative_serial:
        return LoadFailure("negative-serial", "agent", role, index)
    return facts if facts.curve in _CURVES else LoadFailure("curve", "agent", role, index)


def _parses(block: Block) -> bool:
    """Whether Go parses the block as a certificate; the label does not count."""
    return not isinstance(_certificate(block, 0, "ca"), LoadFailure)
