"""Whether mtls-guard's injection happens in a namespace, by the webhook configurations that are in view."""

from collections.abc import Iterable

from webhook.istio.injector.label_selectors import selects
from webhook.model.mesh import Namespace
from webhook.model.raw_object import dig, mapping, sequence, text
from webhook.model.webhook_configuration import BY_ITSELF, BY_NAMESPACE, Hindrance, InjectingEntry

_NAME = "kubernetes.io/metadata.name"
"""The label that the API server gives to each namespace."""
_KIND = "MutatingWebhookConfiguration"


def hindrance(entries: Iterable[InjectingEntry], namespace: Namespace, *, by_itself: bool) -> Hindrance | None:
    """Why no entry injects into Pods of the namespace, None where one does.

    by_itself: the Pods opt in by themselves, else by the label of the namespace.
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
    """Whether the entry is for the namespace; where its labels are not in view, what depends on others may be."""
    if not entry.namespaces or not (entry.namespaces.get("matchLabels") or entry.namespaces.get("matchExpressions")):
        return True
    if not namespace.known and _keys(entry) != {_NAME}:
        return True
    return selects(entry.namespaces, {**namespace.labels, _NAME: namespace.name})


def _keys(entry: InjectingEntry) -> set[str]:
    expressions = sequence(entry.namespaces.get("matchExpressions"))
    return {*mapping(entry.namespaces.get("matchLabels")), *(text(dig(one, "key")) for one in expressions)}
