"""A change to an Istio object or a Secret does not break workloads that worked before the change.

## Why

Workload, DestinationRule and Secret are often owned by different teams. The author of a change that moves a path in a
DestinationRule, narrows an `exportTo` or renames a data key does not see whose calls it breaks. A DestinationRule with
wrong paths takes effect in running Pods within seconds and without a rollout.

If workloads in the namespace of the changed object break, the change is denied. Broken workloads in other namespaces
cause only a warning, so that the workload of one team cannot block the DestinationRule of another team. Deletions and
changes of Secrets also cause only a warning.

## Fix

Make the change in three steps without an interruption: first give the workloads both the old and the new mount, Secret
or route, then change the object, and finally remove the old one. To accept a short interruption instead, set the
annotation `mtls-guard.io/allow-interruption: "true"` on the changed object: the denial becomes a warning.

## Source

Seen with real traffic: a DestinationRule with wrong paths, applied while a Pod runs, causes 15 s of plain text, then
503.
"""

from collections.abc import Iterator

from webhook.kinds.opt_in_annotations import ALLOW_INTERRUPTION
from webhook.model.finding import Finding, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._affected import affected
from webhook.rules._reads import CHAINS, CONFIG_MAPS, PRODUCERS, WORKLOADS
from webhook.rules._words import counted
from webhook.rules.destinationrules.destinationrule_not_exported import FIX as EXPORT
from webhook.rules.destinationrules.destinationrule_not_exported import SELECTING
from webhook.trace.change import ChangePicture

INJECTION = "injection-impossible"
FIXES = {
    "DestinationRule": "mount the files at old and new path in the workloads, change the rule, then drop the old mount",
    "Secret": "mount old and new Secret in the workloads, move the rule's paths, then drop the old one",
}
GONE = {
    "DestinationRule": "first give these workloads another rule, or take their mounts away; then delete it",
    "Secret": "first mount another Secret in these workloads, or take their mounts away; then delete it",
}
GONE_OTHERWISE = "first put another in its place for these workloads; then delete it"
LOST = "keep a tls block in force for them, or take their mounts away first"
ACCEPT = f'; to accept a short interruption: annotation {ALLOW_INTERRUPTION}: "true"'
UNCLEAR = (
    "first let these workloads say which hosts they mean (mtls-guard.io/destinations), or limit the rule by exportTo"
)
OTHERWISE = "keep what the rule needs; to move: add the new one, move the rule, then drop the old one"


def check(picture: ChangePicture) -> Iterator[Violation]:
    """Yields at most one violation; certain for a fault in the object's own namespace, if the change can be refused."""
    if not picture.broken:
        return
    same_namespace, other_namespaces = picture.own, picture.others
    cause = next((broken.findings[0] for broken in (*same_namespace, *other_namespaces) if broken.findings), None)
    denied = picture.prevents and any(broken.findings for broken in same_namespace)
    operation = "deletion" if picture.operation == "DELETE" else "change"
    workloads = affected(same_namespace, other_namespaces)
    yield Violation(
        picture.ref,
        "",
        f"this {operation} breaks {workloads} ({_why(picture, cause)}){_unseen(picture)}",
        f"{_fix(picture, cause)}{ACCEPT if denied and picture.ref.kind == 'DestinationRule' else ''}",
        certain=denied,
    )


def _why(picture: ChangePicture, cause: Finding | None) -> str:
    """The rule that speaks against it, with the object where that is neither the changed one nor a broken workload."""
    if cause is None:
        return "destinationrule-not-exported" if _not_exported(picture) else "nothing presents their certificate"
    named_objects = {picture.ref, *(broken.workload for broken in picture.broken)}
    return cause.rule if cause.object in named_objects else f"{cause.rule} at {cause.object}"


def _unseen(picture: ChangePicture) -> str:
    """How many workloads were left out, for there were too many for one review."""
    return f"; {counted(picture.unseen)} more were not looked at" if picture.unseen else ""


def _fix(picture: ChangePicture, cause: Finding | None) -> str:
    """What mends the changed object where the fault lies in it; else the order of changes without a gap."""
    if picture.operation == "DELETE":
        return GONE.get(picture.ref.kind, GONE_OTHERWISE)
    if cause is None:
        return _not_exported(picture) or LOST
    if (cause.object == picture.ref and picture.ref.kind != "Secret") or _only_running(picture):
        return cause.fix
    if cause.rule == INJECTION:
        return UNCLEAR
    return FIXES.get(picture.ref.kind, OTHERWISE)


def _only_running(picture: ChangePicture) -> bool:
    """Whether new Pods would work: the fix says then how running ones are moved."""
    return all(broken.running for broken in picture.broken)


def _not_exported(picture: ChangePicture) -> str:
    """The fix where the changed DestinationRule is not exported to the workloads any more, else the empty text."""
    broken = (*picture.own, *picture.others)[0]
    if broken.miss is None or broken.miss.cause != "not-exported":
        return ""
    return (EXPORT if broken.miss.rule.selector is None else SELECTING).format(namespace=broken.workload.namespace)


RULE = RuleMetadata(
    title="A change breaks workloads that worked before",
    severity=Severity.DENY,
    about="change",
    reads=CHAINS | CONFIG_MAPS | PRODUCERS | WORKLOADS,
)
