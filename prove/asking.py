"""What our webhook says to a case: really asked, through the API server, by somebody who applies the subject."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prove.cases import Case
from prove.outcome import Kind, of_refusal
from rig.control_plane import ControlPlane
from webhook.kinds.pruned_fields import LAST_APPLIED
from webhook.report.internal_warnings import ABOUT_ITSELF
from webhook.rules import catalogue

WARNED, PASSED = "warned by us", "let pass by us"
MENTION = re.compile(r"\[([a-z0-9-]+)\]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one got to see. said: who rejected it, or how we let it pass. rules: those of ours that were named."""

    said: str
    rules: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """As the page says it: what we warn of is named, what we reject for is the example's rule."""
        return f"{self.said}: {', '.join(sorted(self.rules))}" if self.said == WARNED else self.said


def ask(cluster: ControlPlane, case: Case) -> Answer:
    """What kubectl prints to a person who applies, or deletes, the subject; it is stored, or gone, if that is allowed.

    No dry run: of an object that a release may still send, a dry run only warns.
    """
    words = ["delete", "--now"] if case.deleted else ["apply", "--validate=false"]
    if _brings_annotation(case.subject):
        words = ["create", "--raw", _path(case.subject)]
    ran = cluster.kubectl(*words, "-f", "-", stdin=json.dumps(case.subject), check=False)
    return answer(ran.stdout + ran.stderr, refused=ran.returncode != 0)


def answer(text: str, *, refused: bool) -> Answer:
    """The answer in what kubectl printed."""
    rules = frozenset(MENTION.findall(text)) & {*catalogue(), *ABOUT_ITSELF}
    if refused:
        return Answer(of_refusal(text).kind.value, rules)
    return Answer(WARNED if rules else PASSED, rules)


def is_as_told(case: Case, got: Answer) -> bool:
    """Whether it is what the example says: refused for its rule, warned of it, or let pass without a word of it."""
    if any(line.startswith("deny ") for line in case.says):
        return got.said == Kind.REJECTED_BY_US and case.rule in got.rules
    if case.says:
        return case.rule in got.rules and (got.said == WARNED or bool(case.also))
    return case.rule not in got.rules and (got.said in {PASSED, WARNED} or bool(case.also))


def _brings_annotation(subject: Mapping[str, Any]) -> bool:
    """Whether it holds what kubectl would write anew, so that it must be sent as it is, as Argo CD does."""
    return LAST_APPLIED in subject["metadata"].get("annotations", {})


def _path(subject: Mapping[str, Any]) -> str:
    """Where an object of its kind is created."""
    plural = f"{subject['kind'].lower()}s"
    return f"/apis/{subject['apiVersion']}/namespaces/{subject['metadata']['namespace']}/{plural}"
