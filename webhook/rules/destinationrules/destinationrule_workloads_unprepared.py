"""A DestinationRule with file paths applies only to workloads that have the files.

## Why

A DestinationRule applies to every sidecar that sees its host. A sidecar that lacks the files becomes ready 15 seconds
later, and its calls to the host, which worked before, fail with HTTP 503. The workloads for which the DestinationRule
was written are not affected, so its author does not notice.

## Fix

Add a `workloadSelector`, or list the client namespaces in `exportTo`.

## Source

pilot/pkg/networking/core/cluster.go, `buildOutboundClusters` (Istio 1.31). Seen with real traffic: with missing files,
the Pod is ready only after 15.5 s, and calls fail with 503.
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, PRODUCERS, ROUTING, SECRETS, WORKLOADS
from webhook.rules._words import counted
from webhook.trace.audience import AudiencePicture

NAMED = 3


def check(picture: AudiencePicture) -> Iterator[Violation]:
    """Yields at most one violation, with the number of workloads reached unprepared, for a rule that serves others."""
    if not picture.file_sets or not picture.served:
        return
    lacking = picture.audience.unprepared
    if not lacking:
        return
    count = picture.audience.unprepared_count
    same_namespace = sorted(lacking.get(picture.ref.namespace, ()))
    other_namespaces = {
        namespace: len(refs) for namespace, refs in lacking.items() if namespace != picture.ref.namespace
    }
    yield Violation(
        picture.ref,
        "",
        f"reaches {counted(count)} without its files: {'; '.join(_who(same_namespace, other_namespaces))}",
        "add a workloadSelector, or limit exportTo to the client namespaces",
    )


def _who(same_namespace: list[ObjectRef], other_namespaces: dict[str, int]) -> Iterator[str]:
    """The workloads of the rule's namespace by name, the others as a number per namespace."""
    if same_namespace:
        hidden = len(same_namespace) - NAMED
        yield ", ".join(str(ref) for ref in same_namespace[:NAMED]) + (f" and {hidden} more" if hidden > 0 else "")
    if other_namespaces:
        ordered = sorted(other_namespaces, key=lambda namespace: (-other_namespaces[namespace], namespace))
        hidden = len(ordered) - NAMED
        named = ", ".join(f"{other_namespaces[namespace]} in {namespace}" for namespace in ordered[:NAMED])
        yield named + (
            f" and {sum(other_namespaces[name] for name in ordered[NAMED:])} in {hidden} more namespaces"
            if hidden > 0
            else ""
        )


RULE = RuleMetadata(
    title="A DestinationRule applies to workloads that lack its files",
    severity=Severity.WARN,
    about="audience",
    reads=WORKLOADS | NAMESPACE | ROUTING | SECRETS | PRODUCERS,
)
