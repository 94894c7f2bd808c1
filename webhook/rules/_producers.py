"""Words about the producer of a Secret or ConfigMap: why it is not complete, and where it is corrected."""

from dataclasses import replace

from webhook.model.finding import ObjectRef, Violation
from webhook.trace.secret_producers import makers, writer
from webhook.view import ClusterView

WAIT = "wait for it"


def incomplete(view: ClusterView, ref: ObjectRef) -> tuple[str, str]:
    """Why the object is not complete, and what to do: wait for its producer, or correct it."""
    problem = next((producer.problem for producer in makers(view, ref) if producer.problem), "")
    owner = writer(view, ref)
    if problem:
        return f"{owner}, which writes it, reports: {problem}", f"correct {owner}"
    return f"{owner} has not completed it yet", WAIT


def at_producer(view: ClusterView, violation: Violation) -> Violation:
    """The same violation; of what is in a Secret that a producer writes, its fix says where to correct it."""
    ref = violation.object
    if ref.kind not in ("Secret", "ConfigMap") or not violation.path:
        return violation
    owner = writer(view, ref)
    if owner is None or violation.fix == WAIT or str(owner) in f"{violation.problem} {violation.fix}":
        return violation
    return replace(violation, fix=f"{violation.fix}; {owner} writes this {ref.kind}: correct it there")


def renewed(view: ClusterView, ref: ObjectRef, otherwise: str) -> str:
    """How what is in the object is replaced: at its producer, where it has one; otherwise as said."""
    owner = writer(view, ref)
    if owner is None:
        return otherwise
    if owner.kind == "Certificate":
        return f"renew {owner}: cmctl renew -n {owner.namespace} {owner.name}"
    return f"replace it where {owner} takes it from, which writes this {ref.kind}"
