"""Changes of file paths: denials explain how to avoid an interruption, and an annotation accepts a short one.

Mounts and DestinationRule cannot change in one instant. The workload is denied for mounts that leave the paths of the
DestinationRule, the DestinationRule for paths that leave the mounts.
"""

from collections.abc import Iterable
from dataclasses import replace

from webhook.kinds.opt_in_annotations import ALLOW_INTERRUPTION, allows_interruption
from webhook.kinds.workload import Templates, template_path
from webhook.model.finding import Finding, Severity
from webhook.model.raw_object import dig, texts
from webhook.model.request import Request

MOVES = frozenset({"file-not-mounted"})
"""The rules by which an update of a workload is denied when its mounts leave the paths of the DestinationRule."""
ACCEPT = f'to accept a short interruption: annotation {ALLOW_INTERRUPTION}: "true"'
WAY = f"to move the path: mount at both, change the DestinationRule, then drop the old mount; {ACCEPT}"


def accepted(request: Request, further: Templates) -> bool:
    """Whether an annotation on the pod template or on the object itself accepts a short interruption."""
    steps = template_path(request.ref.api_version, request.ref.kind, further) or ()
    places = (dig(request.new, *steps, "metadata", "annotations"), dig(request.new, "metadata", "annotations"))
    return any(allows_interruption(texts(place)) for place in places)


def with_migration_advice(findings: Iterable[Finding], request: Request, further: Templates) -> tuple[Finding, ...]:
    """Adds to findings of a path change how to avoid an interruption; if one is accepted, they become warnings."""
    tolerated = accepted(request, further)
    return tuple(
        _with_advice(finding, tolerated=tolerated) if finding.rule in MOVES else finding for finding in findings
    )


def _with_advice(finding: Finding, *, tolerated: bool) -> Finding:
    if finding.severity is not Severity.DENY:
        return finding
    if tolerated:
        return replace(finding, severity=Severity.WARN)
    return replace(finding, fix=f"{finding.fix}; {WAY}")
