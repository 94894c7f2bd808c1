"""The answers that a policy gives to the engine; where they come from is left to `reading`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from webhook.kinds.producer import Further, FurtherProducer
from webhook.kinds.release_tool import BUILT_IN, ReleaseTools
from webhook.kinds.workload import Templates
from webhook.model.finding import ObjectRef, Severity
from webhook.model.occasion import MissingSecret
from webhook.model.raw_object import group_of
from webhook.model.rule import Rule


@dataclass(frozen=True, slots=True)
class Expiry:
    """How long before notAfter a certificate warns and denies. deny zero: only once it has expired."""

    warn: timedelta = timedelta(days=30)
    deny: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class InjectionPolicy:
    """What becomes of a Pod that asks for injection while no DestinationRule says what to mount.

    without_plan: `wait`, `refuse` or `start`. wait: how long after its controller was created the Pod is refused.
    """

    without_plan: str = "wait"
    wait: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class WorkloadKind:
    """A further kind that makes pods. template: the way to its pod template, as `("spec", "template")`."""

    api_version: str
    kind: str
    template: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a company decided; without a word from it, every rule weighs what its author gave it."""

    severities: Mapping[str, Severity] = field(default_factory=dict)
    expiry: Expiry = Expiry()
    workloads: tuple[WorkloadKind, ...] = ()
    missing_secret: MissingSecret = MissingSecret.AUTO
    release_tools: ReleaseTools = BUILT_IN
    producers: tuple[FurtherProducer, ...] = ()
    injection: InjectionPolicy = InjectionPolicy()

    def severity(self, rule: Rule, *, namespace: str, object: ObjectRef) -> Severity:  # noqa: A002, ARG002
        """How much a finding of this rule weighs. namespace: of what is judged. object: where the fault lies.

        Both are part of the question, so that answers for namespaces and exemptions need no change of any rule.
        """
        return self.severities.get(rule.id, rule.severity)

    @property
    def further_producers(self) -> Further:
        """The kinds of producers that it adds."""
        return {producer.key: producer for producer in self.producers}

    @property
    def workload_paths(self) -> Templates:
        """The way to the pod template of each further kind."""
        return {
            (group_of(workload_kind.api_version), workload_kind.kind): workload_kind.template
            for workload_kind in self.workloads
        }
