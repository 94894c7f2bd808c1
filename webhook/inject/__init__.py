"""Injection: writes into a pod what `trace.injection_plan` has planned, as a JSON Patch or into a document in memory.

The only importer of jsonpatch. Decides nothing about what is added.
"""

from webhook.inject.json_patch import Mutation, mutate
from webhook.inject.template_writer import write
from webhook.inject.waiting import ControllerAges, with_waiting

__all__ = ["ControllerAges", "Mutation", "mutate", "with_waiting", "write"]
