"""Judges: runs the rules over pictures and answers with all findings, sorted, none twice.

`states` judges what exists, `reviews` what the API server asks, `impact` what a change does to others. Knows no clock,
no socket and no wire format.
"""

from webhook.engine.admission import judge
from webhook.engine.objects import judge_rule, judge_state, judge_workload, judgements

__all__ = ["judge", "judge_rule", "judge_state", "judge_workload", "judgements"]
