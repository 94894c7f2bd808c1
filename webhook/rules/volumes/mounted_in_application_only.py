"""The Secret with the files of a DestinationRule is mounted into istio-proxy, not only into the application.

## Why

The paths of a DestinationRule are paths in the sidecar. `volumeMounts` of the application's container provide the files
only to the application. The sidecar has a separate file system and does not find them, and every call fails with HTTP
503.

This rule denies if the application mounts the Secret at exactly the directory that the DestinationRule names. It warns
if only the names of the data keys match.

## Fix

Add `sidecar.istio.io/userVolumeMount` with the volume's name and the directory of the DestinationRule to the pod
template. The mount can refer to a volume of `spec.volumes`.

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
    title="The Secret is mounted into the application's container instead of the sidecar",
    severity=Severity.DENY,
    about="workload",
    over="near_misses",
    reads=CHAINS,
)
