"""Istio's mesh-wide settings are small and plain enough to be read.

## Why

The ConfigMaps of istiod and of its injector hold whole documents as text. mtls-guard reads them within limits: one that
is nested deeper or larger, or that is no YAML or JSON, is not read. Verdicts then rest on Istio's defaults, which may
be wrong for this mesh.

## Fix

Write the settings without YAML aliases, and no deeper than Istio's own fields.

## Source

The limits stand in `webhook/decoding/limits.py`. MeshConfig of Istio 1.31 has 12 levels; the API server stores no
ConfigMap above 1 MiB.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per text that was not read, for a workload that uses a rule with files."""
    mesh = picture.view.mesh
    defaults = f"root namespace {mesh.root_namespace}, cluster domain {mesh.cluster_domain}"
    for unread in mesh.unread if picture.intents else ():
        problem = f"was not read ({unread.problem}), so that Istio's defaults are assumed: {defaults}"
        fix = "write it without aliases, and no deeper or longer than that"
        yield Violation(unread.object, f'key "{unread.key}"', problem, fix, certain=False)


RULE = RuleMetadata(
    title="Istio's mesh-wide settings could not be read",
    severity=Severity.WARN,
    about="workload",
    over="intents",
    reads=CHAINS,
)
