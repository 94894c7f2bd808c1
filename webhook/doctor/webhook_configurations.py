"""Whether every webhook entry is what the chart and the leader would write: there, unchanged, enforcing.

What values say is read where the leader reads it (`stated`), and compared as the leader compares it (`entries`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import orjson

from webhook.doctor.check import Check, DoctorContext, by_leader, follows_from
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.errors import ClusterError, NotFound
from webhook.kubeapi.resource import CONFIG_MAPS
from webhook.leader.enforcement_plan import (
    BREAK_GLASS,
    DesiredConfiguration,
    DesiredState,
    InvalidDesiredState,
    read_stated,
)
from webhook.leader.webhook_entries import FieldDifference, differences, entries_of, value_of
from webhook.model.printable import cut
from webhook.model.raw_object import Manifest, dig, texts

_SHOWN, _VALUE_CHARACTERS, _CONTEXT_CHARACTERS = 3, 120, 20
_ABSENT = {True: "nothing is enforced", False: "what does not block is not looked at"}


@dataclass(frozen=True, slots=True)
class ComparedConfiguration:
    """A configuration as values want it, and what is there of it, None for nothing."""

    stated: DesiredConfiguration
    live: Manifest | None

    @property
    def entries(self) -> tuple[str, ...]:
        """The names of the entries that are there."""
        return tuple(entries_of(self.live or {}))


@dataclass(frozen=True, slots=True)
class ExpectedConfigurations:
    """What values say of all configurations. broken: the reason of a break-glass, None where nobody broke it.

    problem: why that cannot be said, '' where it can.
    """

    stated: DesiredState | None = None
    broken: str | None = None
    problem: str = ""


def read_values(connection: ApiClient, found: DoctorContext) -> ExpectedConfigurations:
    """What the chart's ConfigMap says."""
    try:
        config_map = connection.get(CONFIG_MAPS, found.namespace, found.config_map)
        broken = texts(dig(config_map, "metadata", "annotations")).get(BREAK_GLASS)
        return ExpectedConfigurations(read_stated(config_map, found), broken)
    except NotFound:
        problem = f"there is no ConfigMap {found.namespace}/{found.config_map}, which says what they should be"
        return ExpectedConfigurations(problem=problem)
    except (InvalidDesiredState, ClusterError) as error:
        return ExpectedConfigurations(problem=f"what they should be cannot be read: {error}")


def compared(connection: ApiClient, stated: DesiredState) -> list[ComparedConfiguration]:
    """Every configuration that should be there, or is."""
    pairs = [ComparedConfiguration(each, _live(connection, each)) for each in stated.configurations]
    return [each for each in pairs if each.live or each.stated.entries]


def check_entries(
    found: DoctorContext, values: ExpectedConfigurations, pairs: Sequence[ComparedConfiguration], wrong: Sequence[Check]
) -> Iterator[Check]:
    """One check for each configuration. wrong: what was looked at before, and may be why nobody repairs it."""
    if values.problem:
        yield Check("entries", good=False, told=values.problem, remedy=found.upgrade)
    for pair in pairs:
        yield _entries(found, pair, wrong)
    if values.broken is not None:
        why = cut(values.broken, _VALUE_CHARACTERS)
        told = f'every entry is Ignore until annotation {BREAK_GLASS} is removed, which says "{why}"'
        remove = found.kubectl(f"annotate configmap {found.config_map} {BREAK_GLASS}-")
        yield Check("break-glass", good=None, told=told, remedy=remove)


def _live(connection: ApiClient, stated: DesiredConfiguration) -> Manifest | None:
    try:
        return connection.get(stated.resource, "", stated.name)
    except NotFound:
        return None


def _entries(found: DoctorContext, pair: ComparedConfiguration, wrong: Sequence[Check]) -> Check:
    """Whether a configuration is there, is what it should be, and enforces."""
    title, stated, live = f"entries {pair.stated.name}", pair.stated, pair.live
    if live is None:
        told = f"the webhook configuration is missing: {_effect(found, stated)}"
        return Check(title, good=False, told=told, remedy=_repair(found, stated, wrong))
    policies = {name: _policy(stated, name, live) for name in stated.entries}
    changed = differences(stated.expected(policies), live)
    if changed:
        more = f"; and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        told = "; ".join(_told(each) for each in changed[:_SHOWN]) + more
        return Check(title, good=False, told=told, remedy=_repair(found, stated, wrong))
    waiting = [name for name in stated.entries if stated.enforces(name) and policies[name] == "Ignore"]
    if waiting:
        told = f"{', '.join(waiting)} let everything pass while nobody answers: Ignore, until the probe is denied"
        remedy = follows_from(wrong) or f"the log says why it is not denied: {found.logs}"
        return Check(title, good=None, told=told, remedy=remedy)
    return Check(title, good=True, told=f"{len(stated.entries)} are as values say")


def _policy(stated: DesiredConfiguration, name: str, live: Manifest) -> str:
    """The failurePolicy that an entry may have now: one that should be Fail is Ignore until that was proved."""
    expected = "Fail" if stated.enforces(name) else "Ignore"
    entry = entries_of(live).get(name)
    return "Ignore" if stated.kept and entry and value_of(entry, "failurePolicy") == "Ignore" else expected


def _effect(found: DoctorContext, stated: DesiredConfiguration) -> str:
    """What it means that a configuration is missing."""
    if stated.name in (found.injecting, found.last):
        return "Pods that ask for their files start without them"
    return _ABSENT[stated.name == found.enforcing]


def _told(difference: FieldDifference) -> str:
    """`reach.mtls-guard.io rules[0].operations is ["DELETE"], expected ["CREATE","UPDATE"]`."""
    if not difference.field:
        return f"{difference.entry} {'is missing' if difference.live is None else 'is not one of ours'}"
    path, live, expected = narrowed(difference.field, difference.live, difference.expected)
    first, second = _shown(live, expected)
    return f"{' '.join(part for part in (difference.entry, path) if part)} is {first}, expected {second}"


def narrowed(path: str, live: Any, expected: Any) -> tuple[str, Any, Any]:
    """The path of the only part in which the two differ, and both parts; the whole where there are several."""
    if isinstance(live, dict) and isinstance(expected, dict):
        steps = {f".{key}": (live.get(key), expected.get(key)) for key in sorted({*live, *expected})}
    elif isinstance(live, list) and isinstance(expected, list) and len(live) == len(expected):
        steps = {f"[{number}]": pair for number, pair in enumerate(zip(live, expected, strict=True))}
    else:
        return path, live, expected
    different = [(step, *pair) for step, pair in steps.items() if pair[0] != pair[1]]
    if len(different) != 1:
        return path, live, expected
    step, *pair = different[0]
    return narrowed(path + step, pair[0], pair[1])


def _shown(live: Any, expected: Any) -> tuple[str, str]:
    """Both as JSON; of long ones the part in which they differ."""
    first, second = (orjson.dumps(each, option=orjson.OPT_SORT_KEYS).decode() for each in (live, expected))
    start = 0
    if max(len(first), len(second)) > _VALUE_CHARACTERS:
        start = max(_same(first, second) - _CONTEXT_CHARACTERS, 0)
    lead = "..." if start else ""
    return lead + cut(first[start:], _VALUE_CHARACTERS), lead + cut(second[start:], _VALUE_CHARACTERS)


def _same(first: str, second: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def _repair(found: DoctorContext, stated: DesiredConfiguration, wrong: Sequence[Check]) -> str:
    """Who puts it right: the leader what it keeps, Helm the rest."""
    if not stated.kept:
        return found.upgrade
    return by_leader(found, wrong)
