"""Says which rule is off, warns or denies, and how early an expiry counts; finds no fault itself.

`policy` holds the answers, `reading` makes them from a file.
"""

from webhook.policy.policy import Expiry, InjectionPolicy, Policy, WorkloadKind
from webhook.policy.policy_file import BadPolicy, load_policy

__all__ = ["BadPolicy", "Expiry", "InjectionPolicy", "Policy", "WorkloadKind", "load_policy"]
