"""A ConfigMap that the sidecar mounts, or the object that creates it, is among the files that are checked.

## Why

`mtls-guard check PATH` sees only the files in PATH. A ConfigMap with the partner's CA may be in another directory or
may be created in the cluster, so mtls-guard could not check its content or whether it exists. Without the ConfigMap the
Pod does not start.

## Fix

Pass the ConfigMap (or the Bundle that creates it) together with the other files, or combine the files with the objects
of a cluster to which you have read access: `check PATH --live`. With `--complete`, objects that are not in the input
count as missing.

## Source

mtls-guard checks only the objects that it was given, and does not deny because of objects that may exist elsewhere.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CONFIG_MAPS, NAMESPACE, PRODUCERS
from webhook.rules._secrets import config_map_ref, mounted_sources
from webhook.rules.secrets.config_map_missing import MADE_BY_CONTROLLERS
from webhook.trace.secret_producers import makers
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per ConfigMap of a mount that a partial view does not hold and nothing in it makes."""
    if picture.complete or not picture.has_sidecar or picture.user.rejected:
        return
    for source in mounted_sources(picture, "configMap"):
        ref = config_map_ref(picture, source.name)
        available = source.name in MADE_BY_CONTROLLERS or picture.view.config_map(ref.namespace, ref.name) is not None
        if not available and not makers(picture.view, ref):
            problem = "is not in this input, so that its files were not checked"
            show = f"kubectl -n {ref.namespace} get configmap {ref.name} -o yaml"
            fix = f"use --live, or give it too: {show} | mtls-guard check PATH -"
            yield Violation(ref, "", problem, fix, certain=False)


RULE = RuleMetadata(
    title="A ConfigMap that the sidecar mounts is not among the files that were checked",
    severity=Severity.WARN,
    about="workload",
    over="user_mounts",
    reads=NAMESPACE | CONFIG_MAPS | PRODUCERS,
    since="0.2",
)
