"""The Secret with a DestinationRule's files is mounted into istio-proxy, not into the application only.

## Why

The paths of a DestinationRule are paths in the sidecar. `volumeMounts` of the application's container show the files
to the application alone; the sidecar has a file system of its own, finds nothing, and every call answers 503.

It denies where the application has the Secret at the very directory that the rule names, and warns where only the
names of the keys fit.

## Fix

Add `sidecar.istio.io/userVolumeMount` with the volume's name and the rule's directory to the pod template; it may
name a volume of `spec.volumes`.

## Source

istio-proxy reads the files itself: security/pkg/nodeagent/cache/secretcache.go (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._near_misses import effect, slips
from webhook.rules._reads import CHAINS
from webhook.rules._words import USER_VOLUME_MOUNT, directories, quote
from webhook.trace.near_misses import NearMiss
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that would fit a rule in force, and that istio-proxy does not mount."""
    for slip in slips(picture, "application-only"):
        problem = f"shows the Secret to the application only{effect(picture, slip)}"
        yield Violation(picture.ref, slip.path, problem, _fix(slip), certain=slip.sure)


def _fix(slip: NearMiss) -> str:
    name = slip.volume.name if slip.volume is not None else ""
    where = directories(path for files in slip.files for _, path in files.items())[0]
    return f'annotate {USER_VOLUME_MOUNT}: \'[{{"name":{quote(name)},"mountPath":{quote(where)}}}]\''


RULE = RuleMetadata(
    title="The Secret is mounted in the application's container, not in the sidecar",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS,
)
