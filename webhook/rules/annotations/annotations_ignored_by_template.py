"""User volume annotations are used only on Pods whose injection template reads them.

## Why

Of Istio's injection templates, `sidecar` reads `userVolume` and `userVolumeMount`. The template of an injected gateway
(`inject.istio.io/templates: gateway`) ignores them: the annotations are accepted, and nothing is mounted.

This rule denies if the annotations would have provided files that a DestinationRule reads in this proxy. Otherwise it
warns.

## Fix

For a gateway, add the volume to `spec.volumes` and its mount to the container `istio-proxy` of the pod template.

## Source

files/gateway-injection-template.yaml of the istiod chart (Istio 1.31); istio/istio issue 44946.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._near_misses import effect, slips
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, on the annotation that is not read."""
    for slip in slips(picture, "ignored"):
        templates = ", ".join(picture.injection.templates)
        problem = f"is not read by the injection template {templates}{effect(picture, slip)}"
        fix = "write the volume and a container istio-proxy with its mount into the pod spec"
        yield Violation(picture.ref, slip.path, problem, fix, certain=bool(slip.files))


RULE = RuleMetadata(
    title="The injection template of the Pod ignores the user volume annotations",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS,
)
