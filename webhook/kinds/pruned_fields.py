"""Finds fields of a DestinationRule that the API server drops without a word, because their name is not one of the API.

Seen in a manifest from a file, or in the annotation in which kubectl keeps what was applied; the stored object has
lost them. Leaves what they were meant to be to the rules.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.json_text import load_json
from webhook.kinds.list_limits import ENTRIES, entries
from webhook.model.raw_object import Manifest, dig, mapping, text

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Where kubectl apply keeps the manifest as it was typed."""

_SPEC = frozenset({"host", "trafficPolicy", "subsets", "exportTo", "workloadSelector"})
_SHARED = frozenset({"loadBalancer", "connectionPool", "outlierDetection", "tls"})
_POLICY = _SHARED | {"portLevelSettings", "tunnel", "proxyProtocol", "retryBudget"}
_PORT = _SHARED | {"port"}
_SUBSET = frozenset({"name", "labels", "trafficPolicy"})
_TLS = frozenset(
    {
        "mode",
        "clientCertificate",
        "privateKey",
        "caCertificates",
        "credentialName",
        "subjectAltNames",
        "sni",
        "insecureSkipVerify",
        "caCrl",
        "caCertCredentialName",
    }
)
_MOST_APPLIED_CHARS = 1 << 20
"""An annotation cannot be larger; longer text is not parsed."""


def pruned_fields(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Pairs of (path of the object, unknown key in it), as written and as last applied, none twice; of each 250."""
    fields = (*islice(_in_spec(manifest.get("spec")), ENTRIES), *islice(_in_spec(_last_applied(manifest)), ENTRIES))
    return tuple(dict.fromkeys(fields))


def _last_applied(manifest: Manifest) -> object:
    last_applied = text(dig(manifest, "metadata", "annotations", LAST_APPLIED))
    if not last_applied or len(last_applied) > _MOST_APPLIED_CHARS:
        return None
    try:
        return dig(load_json(last_applied), "spec")
    except InvalidDocument:
        return None


def _in_spec(value: object) -> Iterator[tuple[str, str]]:
    spec = mapping(value)
    yield from _unknown(spec, _SPEC, "spec")
    yield from _unknown(mapping(spec.get("workloadSelector")), frozenset({"matchLabels"}), "spec.workloadSelector")
    yield from _in_policy(spec.get("trafficPolicy"), "spec.trafficPolicy")
    for index, subset in enumerate(entries(spec.get("subsets"))):
        path = f"spec.subsets[{index}]"
        yield from _unknown(mapping(subset), _SUBSET, path)
        yield from _in_policy(mapping(subset).get("trafficPolicy"), f"{path}.trafficPolicy")


def _in_policy(value: object, path: str) -> Iterator[tuple[str, str]]:
    policy = mapping(value)
    yield from _unknown(policy, _POLICY, path)
    yield from _unknown(mapping(policy.get("tls")), _TLS, f"{path}.tls")
    for index, entry in enumerate(entries(policy.get("portLevelSettings"))):
        settings_path = f"{path}.portLevelSettings[{index}]"
        yield from _unknown(mapping(entry), _PORT, settings_path)
        yield from _unknown(mapping(mapping(entry).get("port")), frozenset({"number"}), f"{settings_path}.port")
        yield from _unknown(mapping(mapping(entry).get("tls")), _TLS, f"{settings_path}.tls")


def _unknown(value: Mapping[str, Any], known_fields: frozenset[str], path: str) -> Iterator[tuple[str, str]]:
    return ((path, key) for key in value if key not in known_fields)
