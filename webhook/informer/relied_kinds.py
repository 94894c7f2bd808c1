"""The kinds of objects that a verdict relies on, and what becomes of it where the view of them may be out of date."""

from collections.abc import Collection
from dataclasses import replace

from webhook.model.finding import Finding, Severity, Verdict
from webhook.model.rule import Rule
from webhook.rules import catalogue
from webhook.rules._reads import INJECTION, NAMESPACE, PRODUCERS, ROUTING, WORKLOADS

RELIED_ON = NAMESPACE | PRODUCERS | ROUTING
"""The kinds whose objects make or unmake a fault of another object."""


def kinds_behind(verdict: Verdict) -> frozenset[str]:
    """The kinds that the denying rules read, as far as an object of them can make a fault vanish."""
    rules = catalogue()
    denying = (rules.get(one.rule) for one in verdict.findings if one.severity is Severity.DENY)
    return frozenset(kind for rule in denying if rule is not None for kind in _rests_on(rule))


def _rests_on(rule: Rule) -> frozenset[str]:
    """The kinds that make or unmake its findings; other workloads only where it is them that a change breaks."""
    return rule.reads & (RELIED_ON | INJECTION | (WORKLOADS if rule.about == "change" else frozenset()))


def weaker(finding: Finding, doubtful: Collection[str]) -> Finding:
    """The finding, a warning where its rule reads a kind that the view may show wrongly."""
    rule = catalogue().get(finding.rule)
    rests = rule is not None and not _rests_on(rule).isdisjoint(doubtful)
    return replace(finding, severity=Severity.WARN) if rests and finding.severity is Severity.DENY else finding
