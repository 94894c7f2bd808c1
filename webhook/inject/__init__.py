"""Writes the additions that `trace.injection_plan` planned into a pod template, in memory or as a JSON Patch.

Only this package imports jsonpatch.
"""

from webhook.inject.json_patch import Mutation, mutate
from webhook.inject.template_writer import write
from webhook.inject.waiting import ControllerAges, with_waiting

__all__ = ["ControllerAges", "Mutation", "mutate", "with_waiting", "write"]
