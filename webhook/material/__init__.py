"""Bytes of a Secret or ConfigMap -> facts, and what Istio's agent and Envoy make of them; the only reader of X.509.

`cryptography` is imported when the first PEM block is read, not with this package.
"""

from webhook.material.agent_loading import agent_drops, agent_keeps, agent_refuses_ca, agent_refuses_pair
from webhook.material.envoy_loading import envoy_refuses_ca, envoy_refuses_crl, envoy_refuses_pair
from webhook.material.inspect import read_material
from webhook.material.proxy_loading import sidecar_refuses_ca, sidecar_refuses_crl, sidecar_refuses_pair
from webhook.material.refusal import LoadFailure
from webhook.material.secret_data import read_config_map, read_secret
from webhook.material.validity import (
    can_sign,
    expired,
    fits_clients,
    fits_servers,
    issued,
    missing_intermediate,
    not_yet_valid,
    revocations,
    roots,
    trusted,
)

__all__ = [
    "LoadFailure",
    "agent_drops",
    "agent_keeps",
    "agent_refuses_ca",
    "agent_refuses_pair",
    "can_sign",
    "envoy_refuses_ca",
    "envoy_refuses_crl",
    "envoy_refuses_pair",
    "expired",
    "fits_clients",
    "fits_servers",
    "issued",
    "missing_intermediate",
    "not_yet_valid",
    "read_config_map",
    "read_material",
    "read_secret",
    "revocations",
    "roots",
    "sidecar_refuses_ca",
    "sidecar_refuses_crl",
    "sidecar_refuses_pair",
    "trusted",
]
