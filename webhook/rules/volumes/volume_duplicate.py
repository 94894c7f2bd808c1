"""Each name occurs only once in `userVolume`.

## Why

The injector merges volumes into those of the Pod by name: if two have the same name, the later one overwrites the
fields of the earlier one, and one of the two Secrets is not mounted. This rule warns about it; if a DestinationRule
lacks its files as a result, other rules deny that. If the Pod has no volumes itself, nothing is merged, and the API
server rejects the Pod because of the duplicate name; this rule then denies. Every Pod has the volume of its
ServiceAccount token, unless `automountServiceAccountToken` is false.

## Fix

Give each volume a unique name, and use the name of the volume in its mount.

## Source

k8s.io/apimachinery, strategic merge by `name`, as pkg/kube/inject/webhook.go uses it (Istio 1.31). Seen in a cluster:
the later volume is mounted; without a token the API server reports `Duplicate value`.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per volume whose name an earlier one of the annotation has."""
    for fault in mount_faults(picture, "volume-name-twice"):
        fix = "give it a name of its own, and to its mount"
        yield Violation(picture.ref, fault.path, fault.detail, fix, certain=fault.rejects)


RULE = RuleMetadata(
    title="Two user volumes have the same name",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
