"""The name of an object that contains mesh-wide settings of Istio."""

from typing import Literal, NamedTuple


class MeshSource(NamedTuple):
    """An object that holds settings: a ConfigMap, or a MutatingWebhookConfiguration (which has no namespace)."""

    holds: Literal["mesh", "injector", "webhook"]
    namespace: str
    name: str
