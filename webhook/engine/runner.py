"""Runs rules on one picture, adds rule id and severity to their violations, and handles rules that raise."""

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
    """A violation with its rule, before the policy sets the severity."""

    rule: Rule
    violation: Violation

    @property
    def denies(self) -> bool:
        """Whether it denies with the default policy."""
        return self.rule.severity is Severity.DENY and self.violation.certain


def hits(rules: Iterable[Rule], picture: object, subject: ObjectRef, deadline: Deadline = UNLIMITED) -> list[Hit]:
    """All violations of the rules on the picture. For a rule that raises, a warning with `internal-error` is added.

    Raises:
        NotJudged: the deadline passed before the last rule finished.
        Changed: the view changed during the run; run all rules again.
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
    """Names the rule and the class of the error, not its text, which may contain confidential content."""
    problem = f"our rule {rule.id} failed on this object with {type(error).__name__}, and was skipped"
    return Violation(subject, "", problem, "report it to the maintainers of mtls-guard", certain=False)


def weigh(rule_hits: Iterable[Hit], policy: Policy, namespace: str) -> tuple[Finding, ...]:
    """Findings with the severity by policy and certainty, without those that are off and without duplicates."""
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
    """Sorts findings by severity (denials first), kind, object, field and rule."""
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
"""Sort order of kinds: workloads (0), DestinationRule, other Istio kinds, Secrets and ConfigMaps."""


def softened(findings: Iterable[Finding], old_findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Changes findings that the old object also had to warnings, so that they do not block an unrelated change."""
    old = {finding.identity for finding in old_findings}
    return in_order(
        replace(finding, severity=min(finding.severity, Severity.WARN)) if finding.identity in old else finding
        for finding in findings
    )
