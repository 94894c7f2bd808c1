"""The running Pods of a workload have the user volumes that its template says.

## Why

A Pod keeps the volumes with which it was made. Where a rollout hangs, is paused, or waits for Pods to be deleted
(`OnDelete`), the old Pods serve on without the files that the template now names.

## Fix

`kubectl -n NAMESPACE rollout restart KIND/NAME`, and look at `kubectl rollout status` if it does not end.

## Source

Kubernetes: a Pod's volumes cannot be changed; Istio injects at creation only.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import Rule
from webhook.rules._reads import NAMESPACE, WORKLOADS
from webhook.rules._running import outdated
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, for a template that is stored as it is judged."""
    if not picture.user.present or not picture.has_sidecar:
        return
    count = len(outdated(picture))
    if count:
        who = f"{count} running Pods have" if count > 1 else "1 running Pod has"
        problem = f"{who} other user volumes than this template"
        ref = picture.ref
        fix = f"kubectl -n {ref.namespace} rollout restart {ref.kind.lower()}/{ref.name}"
        yield Violation(ref, picture.pod.path, problem, fix)


RULE = Rule(
    id="pod-outdated",
    title="Running Pods have other user volumes than the workload's template",
    severity=Severity.WARN,
    about="workload",
    reads=frozenset({"Pod"}) | NAMESPACE | WORKLOADS,
    since="0.1",
    docs=__doc__ or "",
    check=check,
)
