"""mtls-guard can read Istio's mesh-wide settings.

## Why

The ConfigMaps of istiod and of its injector contain YAML documents as text. mtls-guard limits their size and nesting
depth, and does not read a document that exceeds these limits or is not valid YAML or JSON. It then uses Istio's default
settings, and its verdicts may be wrong for this mesh.

## Fix

Write the settings without YAML aliases, and with no deeper nesting than Istio's own fields need.

## Source

The limits are defined in `webhook/decoding/limits.py`. MeshConfig of Istio 1.31 has 12 levels; the API server stores no
ConfigMap larger than 1 MiB.
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
