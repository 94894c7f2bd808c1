"""No volume of `userVolume` has a name that Istio uses itself.

## Why

`workload-socket`, `workload-certs`, `credential-socket`, `istiod-ca-cert` and others are volumes of the sidecar. A user
volume with such a name replaces the volume of Istio. For example, a Secret named `workload-socket` is read-only, so the
agent cannot create its socket and the sidecar never becomes ready. Another ConfigMap as `istiod-ca-cert` changes the CA
that the sidecar trusts.

A CSI volume as `workload-socket` is the supported way to connect SPIRE and is not reported, nor is a Secret as
`workload-certs` if `FILE_MOUNTED_CERTS` is set. If the sidecar may still work, this rule only warns.

## Fix

Give the volume, and its mount, a name that Istio does not use.

## Source

The volumes of Istio's injection template (1.32).
"""

from collections.abc import Iterator

from webhook.istio.injector.proxy_metadata import file_mounted
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Volume
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture

READ_ONLY = ("secret", "configMap", "projected", "downwardAPI")


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per user volume with the name of one of Istio's, except where that is a known practice."""
    for fault in mount_faults(picture, "reserved-volume", "istio-volume"):
        volume = fault.volume
        if volume is not None and volume.source.kind in READ_ONLY and not _own_identity(picture, volume):
            dead = volume.name == "workload-socket"
            effect = ": the agent cannot create its socket, and the sidecar never gets ready" if dead else ""
            fix = "give it another name, here and in its mount"
            yield Violation(picture.ref, fault.path, fault.detail + effect, fix, certain=dead)


def _own_identity(picture: WorkloadPicture, volume: Volume) -> bool:
    """Whether the volume brings the workload's identity, which the agent is told to take from files."""
    return volume.name == "workload-certs" and file_mounted(picture.pod, picture.view.mesh)


RULE = RuleMetadata(
    title="A user volume replaces one of Istio's own volumes",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
