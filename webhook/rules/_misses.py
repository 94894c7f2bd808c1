"""A rule that mentions a workload's mounted files and is not in force for it: one violation per miss of one cause."""

from collections.abc import Iterator
from heapq import nsmallest

from webhook.model.chain import Miss
from webhook.model.finding import Violation, by_name
from webhook.model.mesh import DestinationRule
from webhook.rules._age import rival_of_unknown_age
from webhook.rules._words import quote
from webhook.trace.not_applied import own_may_follow
from webhook.trace.workload import WorkloadPicture

HIDING = {"service-not-exported": "spec.exportTo", "outside-egress": "spec.egress"}
"""Causes that lie in another object than the rule, with the field there."""
EXPORT_TO = 'metadata.annotations["networking.istio.io/exportTo"]'
LOOKED_AT = 50
"""How many other workloads are asked whether the rule works for them."""


def missed(picture: WorkloadPicture, cause: str, fix: str, *, selecting: str = "") -> Iterator[Violation]:
    """One violation for each miss of this cause, on the workload's idle mount.

    fix: may hold `{rule}`, `{namespace}`, `{host}` and `{by}`. selecting: the fix for a rule with a workloadSelector,
    where that is another one. A rule that works for other workloads was perhaps not
    meant for this one, and so warns only. Where the age of rules decides, and is not in view, that is told of the rule.
    """
    for miss in picture.misses:
        if miss.cause == cause and rival_of_unknown_age(picture.view.config, miss.rule) is None:
            yield _violation(picture, miss, selecting if selecting and miss.rule.selector is not None else fix)


def _violation(picture: WorkloadPicture, miss: Miss, fix: str) -> Violation:
    sign = _sign(picture, miss)
    words = {"rule": miss.rule.ref, "namespace": picture.workload.namespace, "host": miss.host, "by": miss.by}
    certain = miss.evident and not own_may_follow(picture, miss.rule.ref) and not in_use_elsewhere(picture, miss.rule)
    if miss.by is not None and miss.cause in HIDING:
        problem = f"hides {miss.host} from {picture.ref}, which {sign} for {miss.rule.ref}"
        path = EXPORT_TO if miss.by.kind == "Service" else HIDING[miss.cause]
        return Violation(miss.by, path, problem, fix.format(**words), certain=certain)
    path = ""
    if miss.cause == "not-exported":
        path = "spec.exportTo" if miss.rule.selector is None else "spec.workloadSelector"
    problem = f"is not in force for {picture.ref}, which {sign}: {miss.detail}"
    return Violation(miss.rule.ref, path, problem, fix.format(**words), certain=certain)


def _sign(picture: WorkloadPicture, miss: Miss) -> str:
    """By what the workload means the rule: an idle mount, rather one above its paths, or a declared host."""
    paths = [path for tls in miss.rule.settings() for _, path in tls.files.items()]
    strays = [stray.mount.mount_path for stray in picture.unexplained_mounts]
    fitting = [mount for mount in strays if any(path.startswith(mount.rstrip("/") + "/") for path in paths)]
    mount_paths = [*fitting, *strays]
    return f"mounts {quote(mount_paths[0])}" if mount_paths else "declares the host"


def in_use_elsewhere(picture: WorkloadPicture, rule: DestinationRule) -> bool:
    """Whether the rule is in force for another workload that mounts its files."""
    sets = [tls.files for tls in rule.settings()]
    paths = [path for files in sets for _, path in files.items()]
    mounting = nsmallest(LOOKED_AT, picture.view.workloads.mounting(paths), key=lambda workload: by_name(workload.ref))
    for workload in mounting:
        labels = workload.template.labels
        groups = {} if workload.ref == picture.ref else picture.view.reach(workload.namespace, labels).groups(labels)
        if any(user.rule.ref == rule.ref for files in sets for user in groups.get(files, ())):
            return True
    return False
