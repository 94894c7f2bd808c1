"""Runs the rules and returns all findings, sorted and without duplicates.

`objects` judges existing objects, `admission` judges admission requests, and `impact` finds the workloads that a change
breaks. The package has no access to clock, network or wire formats.
"""

from webhook.engine.admission import judge
from webhook.engine.objects import judge_rule, judge_state, judge_workload, judgements

__all__ = ["judge", "judge_rule", "judge_state", "judge_workload", "judgements"]
