"""At least one workload to which a DestinationRule applies has the files that the DestinationRule names.

## Why

The paths of a DestinationRule are paths in the sidecars to which it applies. If none of them has such files, the
DestinationRule is only harmful: each of these sidecars becomes ready 15 seconds later, and its calls to the host fail
with HTTP 503. Usually the path is misspelt, or the DestinationRule is exported to the wrong namespaces.

When a DestinationRule is created, the workloads that use it may not exist yet, so this rule then only warns.

## Fix

If the message names a workload that mounts files for the DestinationRule, correct that workload; its own findings
describe how. Otherwise correct the paths, mount the files in the workloads that call the host, or delete the
DestinationRule.

## Source

pilot/pkg/networking/core/cluster.go, `buildOutboundClusters` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.paths import is_plain
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._age import rival_of_unknown_age
from webhook.rules._reads import NAMESPACE, PRODUCERS, ROUTING, SECRETS, WORKLOADS
from webhook.rules._words import listed
from webhook.trace.audience import AudiencePicture
from webhook.trace.destination import Stage


def check(picture: AudiencePicture) -> Iterator[Violation]:
    """Yields at most one violation, for a rule with files in a view that holds everything, workloads included."""
    if not picture.file_sets or not picture.complete or picture.served or _explained(picture):
        return
    if not any(True for _ in picture.view.workloads.namespaces()):
        return
    count = picture.audience.reached_count
    paths = listed(path for _, path in picture.file_sets[0].items())
    nobody = "is in force for no workload" if picture.settled else "is in force for no workload yet"
    problem = f"no workload within its reach ({count}) holds all of {paths}" if count else nobody
    certain = picture.settled and not picture.for_gateway
    yield Violation(picture.ref, "", problem, _fix(picture, count), certain)


def _fix(picture: AudiencePicture, count: int) -> str:
    """Who is meant to hold the files, if a workload shows it; what else to look at."""
    server = picture.servers_selected
    if server is not None:
        return f"the workloadSelector picks {server}, which is behind the host itself: write the labels of its callers"
    where = "correct the paths" if count else "look at its namespace, exportTo, workloadSelector and host"
    if picture.stage is Stage.ARRIVING:
        return f"apply its workloads next, or {where}"
    meant = picture.meant_for
    if meant is not None:
        return f"mend {meant}, which mounts files for it, or {where}"
    return f"{where}, or {'mount the files in the workloads that call the host' if count else 'delete it'}"


def _explained(picture: AudiencePicture) -> bool:
    """Whether another fault of the rule is the reason: a path that is no file's, or an age that nobody knows."""
    paths = (path for files in picture.file_sets for _, path in files.items())
    return not all(map(is_plain, paths)) or rival_of_unknown_age(picture.config, picture.rule) is not None


RULE = RuleMetadata(
    title="No workload to which a DestinationRule applies has its files",
    severity=Severity.DENY,
    about="audience",
    reads=WORKLOADS | NAMESPACE | ROUTING | SECRETS | PRODUCERS,
)
