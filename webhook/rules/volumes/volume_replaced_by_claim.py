"""A volume that the sidecar of a StatefulSet mounts does not have the name of a volume claim template.

## Why

The StatefulSet controller adds a volume to each Pod for each entry of `volumeClaimTemplates`, which replaces a volume
with the same name in `spec.volumes`. The StatefulSet is accepted and its Pods start, but the mount contains the
persistent volume instead of the Secret.

## Fix

Give the volume, and its mounts, another name.

## Source

Kubernetes 1.37: pkg/controller/statefulset/stateful_set_utils.go, `updateStorage`. Seen in a cluster: the Pod has only
the claim. A volume of `userVolume` is merged with the claim instead (`volume-sources-conflict`).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import quote
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per volume that a mount of istio-proxy names and the Pods do not have."""
    if not picture.pod.replaced or not picture.has_sidecar:
        return
    claims = {volume.name: volume.path for volume in picture.pod.volumes}
    mounts = {mount.name: mount for mount in picture.user_mounts}
    for volume in picture.pod.replaced:
        if volume.name in mounts:
            problem = f"{quote(volume.name)} is also the name of {claims[volume.name]}, which Pods have in its place"
            fix = f'give it another name, as "{volume.name[:58]}-mtls", here and in its mounts'
            yield Violation(picture.ref, volume.path, problem, fix)


RULE = RuleMetadata(
    title="A volume claim template of the StatefulSet replaces a volume that the sidecar mounts",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE,
)
