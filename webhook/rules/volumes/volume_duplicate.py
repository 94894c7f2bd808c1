"""Each name is given to one volume of `userVolume`.

## Why

The injector merges volumes into those of the Pod by their name: of two with one name, the later overwrites the fields
of the earlier. One of the two Secrets is then mounted nowhere; whether a rule misses its files, other rules say, and
this one warns. A Pod without any volume of its own has nothing to merge into: the API server then gets the name twice,
and refuses the Pod. That is denied. Every Pod has the volume of its ServiceAccount's token, unless
`automountServiceAccountToken` is false.

## Fix

Give each volume a name of its own, and each mount the name of its volume.

## Source

k8s.io/apimachinery, strategic merge by `name`, as pkg/kube/inject/webhook.go uses it (Istio 1.31). Seen for real: the
later one is mounted; without a token the API server says `Duplicate value`.
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
