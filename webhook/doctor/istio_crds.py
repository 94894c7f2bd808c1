"""Whether the API server serves the kinds of Istio without which nothing can be judged."""

from collections.abc import Collection

from webhook.doctor.check import Check
from webhook.informer.watched_kinds import BUILT_IN, Key
from webhook.kinds.registry import BY_KIND, ISTIO_GROUP

_CHARTS = "https://istio-release.storage.googleapis.com/charts"
_INSTALL = f"helm upgrade --install istio-base base --repo {_CHARTS} -n istio-system --create-namespace"


def check_istio(served: Collection[Key]) -> Check:
    """served: the kinds that the API server serves."""
    essential = (kind for kind in BUILT_IN if kind.group == ISTIO_GROUP and kind.essential)
    missing = [kind.kind for kind in essential if kind.key not in served]
    if not missing:
        return Check("Istio", good=True, told="the API server serves its kinds")
    names = ", ".join(f"{BY_KIND[kind].plural}.{ISTIO_GROUP}" for kind in missing)
    told = f"CustomResourceDefinitions are missing: {names}; no DestinationRule can be judged, and nothing enforced"
    remedy = f"install Istio, or its CRDs alone: {_INSTALL}; the replicas notice them within 10 s"
    return Check("Istio", good=False, told=told, remedy=remedy)
