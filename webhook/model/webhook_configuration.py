"""The entries of MutatingWebhookConfigurations by which the API server asks mtls-guard for its files."""

from collections.abc import Mapping
from dataclasses import dataclass

BY_ITSELF = "inject.mtls-guard.io"
"""The entry for Pods that opt in by an annotation of their own."""
BY_NAMESPACE = "inject-namespaces.mtls-guard.io"
"""The entry for Pods whose namespace opts in by its label."""


@dataclass(frozen=True, slots=True)
class InjectingEntry:
    """An entry. namespaces: its namespaceSelector. callable: the API server has what it needs to call it."""

    configuration: str
    name: str
    namespaces: Mapping[str, object]
    callable: bool


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why injection does not happen in a namespace, and what an administrator can do, in words."""

    reason: str
    remedy: str
