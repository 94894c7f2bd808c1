"""Adds warnings about parts of an object that were not evaluated; such a verdict never denies."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from webhook.engine.runner import in_order
from webhook.model.finding import Finding, ObjectRef, Severity, Verdict

TOO_MANY_ENTRIES = "too-many-entries"
_MAX_WARNINGS = 5
_FIX = "keep such lists short; what follows may be right or wrong, so nothing in this object is denied"


def partial(verdict: Verdict, left_out: Iterable[str]) -> Verdict:
    """Adds a warning for each list that exceeds the evaluated length, and changes denials to warnings."""
    warnings = tuple(_left_out(verdict.subject, text) for text in islice(left_out, _MAX_WARNINGS))
    if not warnings:
        return verdict
    softened = (replace(finding, severity=min(finding.severity, Severity.WARN)) for finding in verdict.findings)
    return replace(verdict, findings=(*warnings, *in_order(softened)))


def _left_out(subject: ObjectRef, text: str) -> Finding:
    return Finding(TOO_MANY_ENTRIES, Severity.WARN, subject, "", f"not judged because {text}", _FIX)
