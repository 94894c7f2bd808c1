"""What a rule is: a law with an id, the kinds it reads, and a pure check over a picture."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from webhook.model.finding import Severity, Violation

About = Literal["workload", "destination", "audience", "change"]
"""Which picture a rule looks at: a workload, a DestinationRule by itself, a rule with its workloads, a change."""


FIRST_VERSION = "0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMetadata:
    """What the module of a rule declares. reads: the kinds that its part of the picture asks the view for.

    over: the part of the picture that it iterates over, if it does; where that is empty, `check` is not called.
    since: the version of mtls-guard that has the rule first.
    """

    title: str
    severity: Severity
    about: About
    reads: frozenset[str]
    over: str = ""
    since: str = FIRST_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleMetadata):
    """A rule of the catalogue, which takes the id, the docs and the check from the rule's module."""

    id: str
    docs: str
    check: Callable[[Any], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Example:
    """One good (no findings) or bad example of a rule, as its YAML file holds it; manifests stay text.

    worked: the cluster also holds the worked example's other objects, except those of the kinds in `without`.
    old: the object before an update. deleted: the object is being deleted. complete: the view is the whole cluster.
    findings: the exact lines, `deny PATH: PROBLEM; FIX`, in order. also: ids of other rules that find something too.
    """

    title: str
    object: str
    cluster: str = ""
    worked: bool = True
    without: tuple[str, ...] = ()
    old: str = ""
    deleted: bool = False
    at: str = ""
    complete: bool = True
    findings: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
