"""Whether a sidecar can use its files: what the agent hands on, Envoy must load. The question that rules ask first."""

from webhook.material.agent_loading import agent_keeps, agent_refuses_ca, agent_refuses_pair
from webhook.material.envoy_loading import CERTIFICATES, envoy_refuses_crl, envoy_refuses_pair
from webhook.material.refusal import LoadFailure
from webhook.model.material import Material


def sidecar_refuses_pair(certificate: Material, key: Material) -> LoadFailure | None:
    """Why a sidecar cannot use certificate and key, None when it can; a certain reason before a doubtful one."""
    reasons = [agent_refuses_pair(certificate, key), envoy_refuses_pair(certificate, key)]
    failures = sorted((failure for failure in reasons if failure is not None), key=lambda failure: not failure.certain)
    return failures[0] if failures else None


def sidecar_refuses_ca(ca: Material) -> LoadFailure | None:
    """Why a sidecar cannot use a CA bundle, None when it can. Glued blocks are refused even where others remain.

    The agent drops glued certificates without a word to anybody but its log: which of them the server needs is not
    to be seen, so what happens to work is not meant.
    """
    refused = agent_refuses_ca(ca)
    if refused or ca.placeholder or ca.unread:
        return refused
    if ca.glued:
        return LoadFailure("glued", "agent", "ca")
    if not any(ca.blocks[index].label in CERTIFICATES for index in agent_keeps(ca)):
        return LoadFailure("no-certificate", "envoy", "ca")
    return None


def sidecar_refuses_crl(crl: Material) -> LoadFailure | None:
    """Why a sidecar cannot use a revocation list: Envoy reads that file itself."""
    return envoy_refuses_crl(crl)
