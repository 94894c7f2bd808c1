"""Every example of every rule gives exactly the lines it states, no other rule joins in unasked, and reads are true."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests import worked
from webhook.examples import instant, load
from webhook.kinds.destination_rule import read_destination_rule
from webhook.kinds.workload import read_workload
from webhook.model.expiry_horizon import Horizon
from webhook.model.finding import Severity
from webhook.model.rule import Example, Rule
from webhook.policy import Policy
from webhook.rules import catalogue
from webhook.rules._reads import INJECTION, PRODUCERS, ROUTING, SIGNS, WORKLOADS
from webhook.trace.audience import AudiencePicture
from webhook.trace.destination import DestinationPicture
from webhook.trace.injected_workload import picture_as_injected
from webhook.trace.workload import WorkloadPicture
from webhook.view import Snapshot

CASES = [(rule, example) for rule in catalogue().values() for example in load(rule.id)]


def name(value: object) -> str:
    """A readable id for a case."""
    return value.id if isinstance(value, Rule) else value.title if isinstance(value, Example) else str(value)


@pytest.mark.parametrize(("rule", "example"), CASES, ids=name)
def test_an_example_gives_its_lines(rule: Rule, example: Example) -> None:
    """The whole engine finds the stated lines, and nothing of another rule that the example does not name."""
    verdict = worked.run(example, Snapshot(complete=example.complete), policy_for(rule))
    assert worked.lines(verdict, rule.id) == list(example.findings)
    assert sorted({one.rule for one in verdict.findings} - {rule.id}) == sorted(example.also)


def policy_for(rule: Rule) -> Policy:
    """The policy without a word, or one that turns a rule of hardening on."""
    return Policy({rule.id: Severity.WARN}) if rule.severity is Severity.OFF else Policy()


@pytest.mark.parametrize("rule", catalogue().values(), ids=name)
def test_a_rule_has_a_good_and_a_bad_example(rule: Rule) -> None:
    """Without both, an example file proves nothing."""
    examples = load(rule.id)
    assert {bool(example.findings) for example in examples} == {True, False}


class Recording(Snapshot):
    """A snapshot that notes the kinds it is asked for."""

    asked: set[str]

    def __getattribute__(self, name: str) -> Any:
        """The attribute, noting what it stands for once recording has begun."""
        kinds = ASKING.get(name)
        held = object.__getattribute__(self, "__dict__")
        if kinds is not None and "asked" in held:
            held["asked"] |= kinds
        return object.__getattribute__(self, name)


ASKING: Mapping[str, frozenset[str]] = {
    "namespace": frozenset({"Namespace"}),
    "secret": frozenset({"Secret"}),
    "config_map": frozenset({"ConfigMap"}),
    "injection": INJECTION,
    "producers": PRODUCERS,
    "producer_may_follow": PRODUCERS,
    "config": ROUTING,
    "reach": ROUTING,
    "workloads": WORKLOADS,
    "pods": frozenset({"Pod"}),
}


@pytest.mark.parametrize("rule", [rule for rule in catalogue().values() if rule.about != "change"], ids=name)
def test_a_rule_reads_what_it_declares(rule: Rule) -> None:
    """The kinds that the rule's examples make it ask for are exactly those it declares; signs are not always needed."""
    asked = set().union(*(asked_by(rule, example) for example in load(rule.id)))
    assert asked <= set(rule.reads) | INJECTION | (PRODUCERS if set(rule.reads) >= SIGNS else set())
    assert set(rule.reads) - asked <= (SIGNS if set(rule.reads) >= SIGNS else set())


def asked_by(rule: Rule, example: Example) -> set[str]:
    """The kinds that this rule alone asks for on the example."""
    snapshot = Recording(complete=example.complete)
    worked.surroundings(example, snapshot)
    subject = next(worked.objects(example.object))
    snapshot.put(subject)
    snapshot.asked = set()
    for picture in pictures(rule, subject, snapshot, example):
        list(rule.check(picture))
    return snapshot.asked


def pictures(rule: Rule, subject: Mapping[str, Any], view: Snapshot, example: Example) -> Iterator[object]:
    """The pictures of the example that this kind of rule looks at."""
    horizon = Horizon(instant(example))
    workload = read_workload(subject)
    if rule.about == "workload" and workload is not None:
        written = WorkloadPicture(workload, view, horizon)
        yield picture_as_injected(workload, view, horizon) if written.declaration.any else written
    elif rule.about == "destination" and subject["kind"] == "DestinationRule":
        yield DestinationPicture(read_destination_rule(subject), view, horizon)
    elif rule.about == "audience" and subject["kind"] == "DestinationRule":
        yield AudiencePicture(read_destination_rule(subject), view, horizon)
