"""The names of the annotations for the sidecar are spelt as Istio and mtls-guard define them.

## Why

Annotation names must match exactly. `sidecar.istio.io/userVolumes`, `sidecar.istio.io/uservolume` and
`istio.io/userVolume` are accepted by the API server and ignored by Istio. The correct name has no effect either if it
is used for a label instead of an annotation.

This rule denies if the correct name would have provided the files that a DestinationRule reads in this workload's
sidecar. Otherwise it warns.

## Fix

Use the name that the message gives.

## Source

The injection template looks up the exact names (Istio 1.31). The annotations of mtls-guard are described in
docs/injection.md.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._near_misses import effect, slips
from webhook.rules._reads import CHAINS
from webhook.trace.near_misses import NearMiss
from webhook.trace.workload import WorkloadPicture

OURS = "mtls-guard.io/client-secret, destinations or inject"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per annotation, or label, whose name nearly fits."""
    for slip in slips(picture, "misspelt"):
        problem = (
            "is a label, and counts as annotation only" if slip.meant in slip.names else "is a name that nobody reads"
        )
        certain = slip.sure or bool(slip.files)
        yield Violation(picture.ref, slip.path, problem + effect(picture, slip), _fix(slip), certain=certain)


def _fix(slip: NearMiss) -> str:
    if slip.meant in slip.names:
        return "move it to the annotations of the pod template"
    return f"call it {slip.meant}" if slip.meant else f"call it {OURS}"


RULE = RuleMetadata(
    title="The name of an annotation for the sidecar is misspelt",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS,
)
