"""The label `istio.io/rev` of a DestinationRule names the revision that serves the workloads that use it.

## Why

An istiod reads only objects that have no revision label or the label of its own revision. A DestinationRule with the
label of another revision, or of a revision that no longer exists, is neither validated nor applied for the workload. If
the revisions of the mesh are not known to mtls-guard, it warns about a labelled DestinationRule that is used by a
workload of the default revision.

## Fix

Remove the label `istio.io/rev` from the DestinationRule, or correct it.

## Source

pkg/config/model.go, `ObjectInRevision` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.decision import NAMESPACE_LABEL, REVISION
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._misses import missed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture

FIX = "remove its label istio.io/rev, or name the revision of {namespace}"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per rule that this keeps from the workload."""
    yield from missed(picture, "other-revision", FIX)
    if picture.view.mesh.revisions is None and picture.namespace.labels.get(NAMESPACE_LABEL) == "enabled":
        yield from _labelled(picture)


def _labelled(picture: WorkloadPicture) -> Iterator[Violation]:
    """Rules in use that carry the label, for a workload that any istiod but theirs may serve."""
    users = {user.rule.ref: user.rule for files in picture.intents for user in picture.groups[files]}
    for rule in users.values():
        revision = rule.labels.get(REVISION, "default")
        if revision != "default":
            problem = f"only an istiod of revision {quote(revision)} reads it; {picture.ref} asks for the default one"
            place = f'metadata.labels["{REVISION}"]'
            yield Violation(rule.ref, place, problem, FIX.format(namespace=picture.workload.namespace), certain=False)


RULE = RuleMetadata(
    title="A DestinationRule belongs to another Istio revision",
    severity=Severity.DENY,
    about="workload",
    reads=CHAINS | WORKLOADS,
)
