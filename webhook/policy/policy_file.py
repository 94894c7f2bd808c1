"""Reads a policy file; tells everything that is wrong in it at once, each with line, key, value and what is allowed.

    rules: {certificate-expiring: deny, san-unchecked: warn, secret-missing: off}
    expiry: {warn: 30, deny: 0}
    injection: {withoutPlan: wait, waitSeconds: 60}
    workloads: [{apiVersion: example.com/v1, kind: GameServer, template: spec.template}]

What a policy says of objects that do not exist yet is read by `order`, of injection by `injection`.

It looks at YAML nodes, not at values, so that a bare `off` stays the word `off`, and every node knows its line.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.limits import POLICY
from webhook.kinds.workload import template_path
from webhook.model.finding import Severity
from webhook.model.printable import cut
from webhook.model.raw_object import group_of
from webhook.policy.injection import InjectionReader
from webhook.policy.policy import Expiry, Policy, WorkloadKind
from webhook.policy.release_order import OrderReader

Node = Any
"""A node of PyYAML; its published types lack the class attribute `id`: scalar, sequence or mapping."""

KEYS = ("rules", "expiry", "workloads", "injection", "missingSecret", "releaseTools", "producers")
MAX_DAYS = 3650
_SEVERITIES = {str(severity): severity for severity in Severity}
_FORMS = {
    "apiVersion": (re.compile(r"([a-z0-9.-]+/)?v[a-z0-9]+"), 'an apiVersion such as "example.com/v1"'),
    "kind": (re.compile(r"[A-Z][A-Za-z0-9]*"), 'a kind such as "GameServer"'),
    "template": (re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*"), 'the path of a pod template such as "spec.template"'),
}


_MEANT = {
    "": "rules, expiry, injection or workloads, each with what it says below it",
    "releaseTools": "labels, annotations or fieldManagers, each with a list",
    "producers": "group, kind, name and makes",
    "rules": "the id of a rule and off, warn or deny, as in secret-missing: warn",
    "expiry": "warn or deny and a number of days, as in warn: 30",
    "injection": "withoutPlan or waitSeconds, as in withoutPlan: wait",
    "workloads": "apiVersion, kind and template of each further kind",
}
"""What a mapping holds at the key where something else was written."""


class BadPolicy(Exception):
    """A policy file that is not understood, so that nothing of it is in force. problems: one line each."""

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_policy(text: str, source: str, rule_ids: Collection[str]) -> Policy:
    """The policy that the text says; an empty text says the default one.

    source: the name of the file, for problems. known: the ids of all rules.

    Raises:
        BadPolicy: with every problem that the text has.
    """
    reader = _PolicyReader(source, rule_ids)
    policy = reader.read(text)
    if reader.problems:
        raise BadPolicy(reader.problems)
    return policy


class _PolicyReader:
    """Reads one file and collects what is wrong in it."""

    def __init__(self, source: str, rule_ids: Collection[str]) -> None:
        self.problems: list[str] = []
        self._source = source
        self._known = rule_ids

    def read(self, text: str) -> Policy:
        """The policy, as far as it could be read."""
        root = self._compose(text)
        if root is None:
            return Policy()
        parts, order = self._fields(root, "", KEYS), OrderReader(self._fields, self._say)
        readers: Mapping[str, Callable[[Node], Any]] = {
            "rules": self._rules,
            "expiry": self._expiry,
            "workloads": lambda node: tuple(self._workloads(node)),
            "injection": InjectionReader(self._fields, self._say).injection,
            "missingSecret": order.missing_secret,
            "releaseTools": order.release_tools,
            "producers": lambda node: tuple(order.producers(node)),
        }
        attributes = {"rules": "severities", "missingSecret": "missing_secret", "releaseTools": "release_tools"}
        return Policy(**{attributes.get(name, name): readers[name](node) for name, node in parts.items()})

    def _compose(self, text: str) -> Node:
        from webhook.decoding.yaml_nodes import compose  # an engine without a policy file needs no YAML

        try:
            return compose(text, POLICY)
        except InvalidDocument as fault:
            self.problems.append(cut(f"{self._source}:{fault.line + 1}: {fault.problem}"))
            return None

    def _say(self, node: Node, key: str, problem: str) -> None:
        line = node.start_mark.line + 1 if node.start_mark else 0
        self.problems.append(cut(f"{self._source}:{line}: {f'{key}: ' if key else ''}{problem}"))

    def _pairs(self, node: Node, key: str) -> Iterator[tuple[str, Node, Node]]:
        """Name, key node and value node of each field; the place of a field that is no mapping is empty, and told."""
        if node.id != "mapping":
            if not node.tag.endswith(":null"):
                self._say(node, key, f"{_shown(node)} is no mapping; write {_MEANT[key.partition('[')[0]]}")
            return
        seen = set()
        for name, value in node.value:
            if _text(name) in seen:
                self._say(name, _below(key, _text(name)), "stands twice")
            seen.add(_text(name))
            yield _text(name), name, value

    def _fields(self, node: Node, key: str, allowed: Collection[str]) -> Mapping[str, Node]:
        """The fields of a mapping; those that are not allowed are told."""
        fields = {}
        for name, key_node, value in self._pairs(node, key):
            if name in allowed:
                fields[name] = value
            else:
                self._say(key_node, _below(key, name), f"no such key; {_allowed(name, allowed)}")
        return fields

    def _rules(self, node: Node) -> Mapping[str, Severity]:
        severities = {}
        for name, key_node, value in self._pairs(node, "rules"):
            word = _text(value).lower()
            if name not in self._known:
                self._say(key_node, f"rules.{name}", f"no such rule; {_allowed(name, self._known, many=True)}")
            elif word not in _SEVERITIES:
                self._say(value, f"rules.{name}", f"{_shown(value)} is no severity; {_allowed(word, _SEVERITIES)}")
            else:
                severities[name] = _SEVERITIES[word]
        return severities

    def _expiry(self, node: Node) -> Expiry:
        fields = self._fields(node, "expiry", ("warn", "deny"))
        days = {name: self._days(value, f"expiry.{name}") for name, value in fields.items()}
        expiry = Expiry(**{name: timedelta(days=count) for name, count in days.items() if count is not None})
        if expiry.deny > expiry.warn and None not in days.values():
            unsaid = "" if "warn" in fields else ", which nobody set"
            comparison = f"{expiry.deny.days} days are more than the {expiry.warn.days} of expiry.warn{unsaid}"
            self._say(fields.get("deny", node), "expiry.deny", f"{comparison}; what denies must have warned before")
        return expiry

    def _days(self, node: Node, key: str) -> int | None:
        text = _text(node)
        if re.fullmatch(r"0|[1-9][0-9]{0,3}", text) and int(text) <= MAX_DAYS:
            return int(text)
        self._say(node, key, f"{_shown(node)} is no whole number of days from 0 to {MAX_DAYS}")
        return None

    def _workloads(self, node: Node) -> Iterator[WorkloadKind]:
        if node.id != "sequence":
            self._say(node, "workloads", f"{_shown(node)} is no list; write {_MEANT['workloads']} behind a dash")
            return
        seen = set()
        for index, entry in enumerate(node.value):
            workload_kind = self._workload(entry, f"workloads[{index}]")
            if workload_kind is None:
                continue
            key = (group_of(workload_kind.api_version), workload_kind.kind)
            if key in seen or template_path(workload_kind.api_version, workload_kind.kind) is not None:
                problem = f'"{workload_kind.kind}" of {workload_kind.api_version} is judged already; name another kind'
                self._say(entry, f"workloads[{index}].kind", problem)
                continue
            seen.add(key)
            yield workload_kind

    def _workload(self, node: Node, key: str) -> WorkloadKind | None:
        fields = self._fields(node, key, _FORMS)
        good = {}
        for name, (form, meant) in _FORMS.items():
            if name not in fields:
                self._say(node, f"{key}.{name}", f"is missing; write {meant}")
            elif form.fullmatch(_text(fields[name])):
                good[name] = _text(fields[name])
            else:
                self._say(fields[name], f"{key}.{name}", f"{_shown(fields[name])} is not {meant}")
        if len(good) < len(_FORMS):
            return None
        return WorkloadKind(good["apiVersion"], good["kind"], tuple(good["template"].split(".")))


def _text(node: Node) -> str:
    """The text of a scalar as written, '' for anything else."""
    return str(node.value) if node.id == "scalar" else ""


def _shown(node: Node) -> str:
    """A value as a problem quotes it."""
    return f'"{cut(node.value, 60)}"' if node.id == "scalar" else f"a {node.id}"


def _below(key: str, name: str) -> str:
    """The path of a field."""
    return f"{key}.{name}" if key else name


def _allowed(name: str, allowed: Collection[str], *, many: bool = False) -> str:
    """What is allowed, the nearest word first; of many words only that."""
    near = get_close_matches(name, allowed, n=1)
    guess = f'did you mean "{near[0]}"?' if near else ""
    listed = "`mtls-guard explain` lists them" if many else f"allowed: {', '.join(allowed)}"
    return "; ".join(part for part in (guess, listed) if part)
