"""The annotations `sidecar.istio.io/userVolume` and `sidecar.istio.io/userVolumeMount` are on the pod template.

## Why

Istio's sidecar injector reads the annotations of Pods. It never sees the annotations of a Deployment or of a CronJob's
`jobTemplate`, so nothing is mounted and no component reports it. Every call to the host then fails with HTTP 503.

This rule denies if the mount would have provided files that a DestinationRule reads in this workload's sidecar, or if
it contains a client credential. Otherwise it warns.

## Fix

Move `sidecar.istio.io/userVolume` and `sidecar.istio.io/userVolumeMount` to `spec.template.metadata.annotations`.

## Source

pkg/kube/inject/webhook.go uses the annotations of the Pod (Istio 1.31). Seen with real traffic: with the annotations on
the Deployment, calls fail with 503, and the Pod is ready only after 15.5 s.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._near_misses import effect, slips
from webhook.rules._reads import CHAINS
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per level that holds annotations meant for the Pod."""
    for slip in slips(picture, "misplaced"):
        other_annotations = " and ".join(name.rpartition("/")[2] for name in slip.names[1:])
        where = f"{picture.pod.path}.metadata.annotations"
        yield Violation(
            picture.ref,
            slip.path,
            f"is not on the pod template, where Istio looks{effect(picture, slip)}",
            f"move it{f' and {other_annotations}' if other_annotations else ''} to {where}",
            certain=slip.sure or bool(slip.files),
        )


RULE = RuleMetadata(
    title="The user volume annotations are on the workload instead of on its pod template",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS,
)
