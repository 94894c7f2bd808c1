"""Decides from the webhook configurations in view whether mtls-guard injects in a namespace."""

from collections.abc import Iterable

from webhook.istio.injector.label_selectors import selects
from webhook.model.mesh import Namespace
from webhook.model.raw_object import dig, mapping, sequence, text
from webhook.model.webhook_configuration import BY_ITSELF, BY_NAMESPACE, Hindrance, InjectingEntry

_NAME = "kubernetes.io/metadata.name"
"""The label that the API server sets on each namespace."""
_KIND = "MutatingWebhookConfiguration"


def hindrance(entries: Iterable[InjectingEntry], namespace: Namespace, *, by_itself: bool) -> Hindrance | None:
    """Why no webhook entry injects into Pods of the namespace, None if one does.

    by_itself: the Pods opt in with their own label, not with the label of the namespace.
    """
    name = BY_ITSELF if by_itself else BY_NAMESPACE
    present = [entry for entry in entries if entry.name == name]
    if not present:
        return Hindrance(
            f"injection is not installed (no {_KIND} has {name})",
            "set injection.enabled of the chart",
        )
    selecting = [entry for entry in present if _selects(entry, namespace)]
    if not selecting:
        return Hindrance(
            f"{_KIND} {present[0].configuration} excludes namespace {namespace.name}",
            f"take {namespace.name} out of webhook.excludedNamespaces",
        )
    if any(entry.callable for entry in selecting):
        return None
    return Hindrance(f"{_KIND} {selecting[0].configuration} has no CA bundle", "see mtls-guard doctor")


def _selects(entry: InjectingEntry, namespace: Namespace) -> bool:
    """Whether the entry selects the namespace; True if that depends on labels that are not in view."""
    if not entry.namespaces or not (entry.namespaces.get("matchLabels") or entry.namespaces.get("matchExpressions")):
        return True
    if not namespace.known and _keys(entry) != {_NAME}:
        return True
    return selects(entry.namespaces, {**namespace.labels, _NAME: namespace.name})


def _keys(entry: InjectingEntry) -> set[str]:
    expressions = sequence(entry.namespaces.get("matchExpressions"))
    return {
        *mapping(entry.namespaces.get("matchLabels")),
        *(text(dig(expression, "key")) for expression in expressions),
    }
