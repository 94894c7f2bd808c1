"""Injection: writes into a pod what `trace.addition` has planned, as a JSON Patch or into a document in memory.

The only importer of jsonpatch. Decides nothing about what is added.
"""

from webhook.inject.patching import Mutation, mutate
from webhook.inject.waiting import Ages, held
from webhook.inject.writing import write

__all__ = ["Ages", "Mutation", "held", "mutate", "write"]
