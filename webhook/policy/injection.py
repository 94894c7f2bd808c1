"""Reads what a policy says of injection: `injection: {withoutPlan: wait, waitSeconds: 60}`."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from webhook.policy.policy import InjectionPolicy

Node = Any
MAX_WAIT = 3600
WITHOUT_PLAN = ("wait", "refuse", "start")
_SECONDS = re.compile(r"0|[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class InjectionReader:
    """Reads this key. fields: the fields of a mapping, those that are not allowed told. say: tells a problem."""

    fields: Callable[[Node, str, Collection[str]], Mapping[str, Node]]
    say: Callable[[Node, str, str], None]

    def injection(self, node: Node) -> InjectionPolicy:
        """What becomes of a Pod while no DestinationRule says what to mount."""
        fields, settings = self.fields(node, "injection", ("withoutPlan", "waitSeconds")), InjectionPolicy()
        plan, seconds = fields.get("withoutPlan"), fields.get("waitSeconds")
        if plan is not None and _text(plan) in WITHOUT_PLAN:
            settings = replace(settings, without_plan=_text(plan))
        elif plan is not None:
            problem = f'"{_text(plan)[:60]}" is none of the allowed values: {", ".join(WITHOUT_PLAN)}'
            self.say(plan, "injection.withoutPlan", problem)
        if seconds is None:
            return settings
        if _SECONDS.fullmatch(_text(seconds)) and int(_text(seconds)) <= MAX_WAIT:
            return replace(settings, wait=timedelta(seconds=int(_text(seconds))))
        problem = f'"{_text(seconds)[:60]}" is no whole number of seconds from 0 to {MAX_WAIT}'
        self.say(seconds, "injection.waitSeconds", problem)
        return settings


def _text(node: Node) -> str:
    """The text of a scalar as written, '' for anything else."""
    return str(node.value) if node.id == "scalar" else ""
