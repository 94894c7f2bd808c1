"""The producers of Secrets and ConfigMaps: which object writes one, and which data keys it may still add."""

from collections.abc import Collection

from webhook.model.finding import ObjectRef
from webhook.model.material import Producer, SecretFacts
from webhook.view import ClusterView


def makers(view: ClusterView, ref: ObjectRef) -> tuple[Producer, ...]:
    """The objects in view whose spec says that they produce the Secret or ConfigMap."""
    return view.producers(ref.kind, ref.namespace, ref.name)


def writer(view: ClusterView, ref: ObjectRef) -> ObjectRef | None:
    """The object that writes the Secret or ConfigMap, by its own spec or by the Secret's metadata; None if unknown."""
    made_by = makers(view, ref)
    if made_by:
        return made_by[0].ref
    facts = _facts(view, ref)
    return facts.producer if facts is not None else None


def _facts(view: ClusterView, ref: ObjectRef) -> SecretFacts | None:
    return view.secret(ref.namespace, ref.name) if ref.kind == "Secret" else None


def to_come(view: ClusterView, ref: ObjectRef, keys: Collection[str]) -> bool:
    """Whether the producer of the object may still add these data keys, which the object lacks.

    cert-manager is done when the Secret names the issuer; others when they are ready, unless they announce data keys.
    """
    made_by, facts = makers(view, ref), _facts(view, ref)
    if any(producer.keys is not None and not producer.keys.issuperset(keys) for producer in made_by):
        return False
    owner = writer(view, ref)
    if owner is None:
        return False
    if owner.kind == "Certificate":
        return facts is None or not facts.issued
    return all(producer.keys is not None or not producer.ready for producer in made_by)
