"""What a rule says (Violation), what a person gets to read (Finding), and the answer as a whole (Verdict)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """How much a finding weighs; the order is the weight."""

    OFF = 0
    WARN = 1
    DENY = 2

    def __str__(self) -> str:
        """The word that policy files and reports use: off, warn or deny."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Names one object of the cluster; reads as kubectl would write it: `Secret devel/external`."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Kind, then namespace/name, or only the name of a cluster-scoped object; `Pod in devel` where it has none."""
        if self.namespace and self.name:
            return f"{self.kind} {self.namespace}/{self.name}"
        return f"{self.kind} {self.name}" if self.name else f"{self.kind} in {self.namespace or 'the cluster'}"


def by_name(ref: ObjectRef) -> tuple[str, str, str, str]:
    """The key by which one of several objects is named: the first by namespace and name, in every replica."""
    return (ref.namespace, ref.name, ref.kind, ref.api_version)


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault as a rule yields it; the engine stamps rule id and severity on it.

    path: the field as kubectl writes it (`spec.host`, `key "cert"` for a Secret), '' for the object as a whole.
    problem: quotes the value and says what is. fix: an imperative that can be typed.
    certain: False where what we see leaves room for doubt; such a violation warns at most.
    """

    object: ObjectRef
    path: str
    problem: str
    fix: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation with its rule id and the severity that policy, intent and history left it."""

    rule: str
    severity: Severity
    object: ObjectRef
    path: str
    problem: str
    fix: str

    @property
    def identity(self) -> tuple[str, ObjectRef, str]:
        """Two findings are the same fault when rule, object and path are."""
        return (self.rule, self.object, self.path)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one object: all findings, sorted, none twice.

    subject: the object that was judged. goal: what the object wants to reach, for the first line ('' if unknown),
    as in "external.system.com:443".
    """

    subject: ObjectRef
    findings: Sequence[Finding] = ()
    goal: str = ""
    notes: Sequence[str] = field(default=())

    @property
    def severity(self) -> Severity:
        """The heaviest severity among the findings; OFF when there is none."""
        return max((finding.severity for finding in self.findings), default=Severity.OFF)

    @property
    def word(self) -> str:
        """`allow`, `warn` or `deny`, as the JSON contract says it."""
        return ("allow", "warn", "deny")[self.severity]
