"""Says what of an object was not evaluated; a verdict on a part of it denies nothing."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from webhook.engine.runner import in_order
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict

TOO_MANY_ENTRIES = "too-many-entries"
_TOLD = 5
_FIX = "keep such lists short; what follows may be right or wrong, so nothing in this object is denied"


def partial(verdict: Verdict, left_out: Iterable[str]) -> Verdict:
    """The verdict, with a warning for each list that is longer than what is evaluated, and then without denials."""
    warnings = tuple(_left_out(verdict.subject, text) for text in islice(left_out, _TOLD))
    if not warnings:
        return verdict
    softened = (replace(finding, severity=min(finding.severity, Severity.WARN)) for finding in verdict.findings)
    return replace(verdict, findings=(*warnings, *in_order(softened)))


def _left_out(subject: ObjectRef, text: str) -> Finding:
    return Finding(TOO_MANY_ENTRIES, Severity.WARN, subject, "", f"not judged because {text}", _FIX)
