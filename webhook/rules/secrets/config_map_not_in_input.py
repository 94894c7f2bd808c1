"""A ConfigMap that the sidecar mounts is in the files that were checked, or will be made by something that is.

## Why

`mtls-guard check PATH` sees what PATH holds. A ConfigMap with the partner's CA may be in another folder or made in the
cluster, so what the mount will contain, and whether the ConfigMap exists at all, could not be looked at. Without it the
Pod does not start.

## Fix

Give the ConfigMap (or the Bundle that makes it) beside the other files, or lay the files over a cluster that you may
read, with `check PATH --live`. With `--complete`, what is not in the input counts as missing.

## Source

mtls-guard's design, "Partial views".
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
