"""Runs rules over one picture: stamps id and severity on what they yield, and survives a rule that raises."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from webhook.kinds.registry import ISTIO_KINDS, MATERIAL_KINDS
from webhook.model.deadline import UNLIMITED, Changed, Deadline, NotJudged
from webhook.model.finding import Finding, ObjectRef, Severity, Violation
from webhook.model.rule import Rule
from webhook.policy import Policy

INTERNAL_ERROR = "internal-error"


@dataclass(frozen=True, slots=True)
class Hit:
    """A violation with the rule that yielded it, before policy has weighed it."""

    rule: Rule
    violation: Violation

    @property
    def denies(self) -> bool:
        """Whether it denies, unless policy says otherwise."""
        return self.rule.severity is Severity.DENY and self.violation.certain


def hits(rules: Iterable[Rule], picture: object, subject: ObjectRef, deadline: Deadline = UNLIMITED) -> list[Hit]:
    """Everything that these rules yield on the picture; a rule that raises becomes a hit of its own that warns.

    Raises:
        NotJudged: the deadline was over before the last rule.
        Changed: the view has changed since the first rule; all of them are to run again.
    """
    all_hits: list[Hit] = []
    for rule in rules:
        before = len(all_hits)
        deadline.check()
        try:
            if not rule.over or getattr(picture, rule.over):
                for violation in rule.check(picture):  # most yield none, and a generator for each would be noticed
                    all_hits.append(Hit(rule, violation))
                    deadline.check()
        except (NotJudged, Changed):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a rule raises must not hide the findings of others
            del all_hits[before:]
            all_hits.append(
                Hit(replace(rule, id=INTERNAL_ERROR, severity=Severity.WARN), _broken(rule, subject, error))
            )
    return all_hits


def _broken(rule: Rule, subject: ObjectRef, error: Exception) -> Violation:
    """Names the rule and the class of the error; its text may quote what must not be shown."""
    problem = f"our rule {rule.id} failed on this object with {type(error).__name__}, and was skipped"
    return Violation(subject, "", problem, "report it to the maintainers of mtls-guard", certain=False)


def weigh(rule_hits: Iterable[Hit], policy: Policy, namespace: str) -> tuple[Finding, ...]:
    """Findings with the severity that policy and certainty leave them; those that are off are gone, none twice."""
    strictest: dict[tuple[str, ObjectRef, str], Finding] = {}
    for hit in rule_hits:
        finding = _weighed(hit, policy, namespace)
        if finding is None:
            continue
        stored = strictest.get(finding.identity)
        if stored is None or stored.severity < finding.severity:
            strictest[finding.identity] = finding
    return in_order(strictest.values())


def _weighed(hit: Hit, policy: Policy, namespace: str) -> Finding | None:
    rule, violation = hit.rule, hit.violation
    severity = policy.severity(rule, namespace=namespace, object=violation.object)
    if severity is Severity.OFF:
        return None
    if not violation.certain:
        severity = min(severity, Severity.WARN)
    return Finding(rule.id, severity, violation.object, violation.path, violation.problem, violation.fix)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Denials first, then by object, field and rule, so that the same faults always read the same."""
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                -finding.severity,
                ORDER.get(finding.object.kind, 0),
                finding.object,
                finding.path,
                finding.rule,
            ),
        )
    )


ORDER = {**dict.fromkeys(ISTIO_KINDS, 2), "DestinationRule": 1, **dict.fromkeys(MATERIAL_KINDS, 3)}
"""The order in which a person follows the chain: workload (0), rule, the other objects of Istio, material."""


def softened(findings: Iterable[Finding], old_findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, those that were there before only as warnings: an old fault must not stop an unrelated change."""
    old = {finding.identity for finding in old_findings}
    return in_order(
        replace(finding, severity=min(finding.severity, Severity.WARN)) if finding.identity in old else finding
        for finding in findings
    )
