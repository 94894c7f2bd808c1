"""The annotations for the sidecar stand on the pod template.

## Why

Istio's injector sees Pods. It never sees the annotations of the Deployment, or of a CronJob's `jobTemplate`, so that
nothing is mounted, and nobody says so. Every call to the host then answers 503.

It denies where the mount would have filled files that a DestinationRule in force reads, or holds a client credential;
otherwise it warns.

## Fix

Move `sidecar.istio.io/userVolume` and `sidecar.istio.io/userVolumeMount` to `spec.template.metadata.annotations`.

## Source

pkg/kube/inject/webhook.go takes the annotations of the Pod (Istio 1.31).
Seen with real traffic: annotations on the Deployment give 503, and readiness after 15.5 s.
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
    title="The user volume annotations stand on the workload instead of its pod template",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS,
)
