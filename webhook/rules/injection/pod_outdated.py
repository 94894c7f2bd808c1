"""The running Pods of a workload have the user volumes that its template specifies or that injection adds.

## Why

A Pod keeps the volumes with which it was created. If a rollout is stuck or paused, or waits for Pods to be deleted
(`OnDelete`), the old Pods continue to run without the files that the template now specifies. A Pod that was created
before its DestinationRule (see the policy setting `injection.withoutPlan`), or before the DestinationRule changed its
paths, also lacks its files until it is replaced.

## Fix

Run `kubectl -n NAMESPACE rollout restart KIND/NAME`. If the rollout does not finish, check `kubectl rollout status`.

## Source

Kubernetes: the volumes of a Pod cannot be changed. Istio injects only when Pods are created.
"""

from collections.abc import Iterator, Sequence

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Workload
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._running import injected_otherwise, outdated, replaced
from webhook.rules._words import listed
from webhook.trace.managed_entries import own_mounts
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, for a template that is stored as it is judged."""
    if not picture.has_sidecar:
        return
    pods = injected_otherwise(picture)
    if pods:
        yield Violation(picture.ref, picture.pod.path, _otherwise(picture, pods), replaced(picture.ref, pods))
    pods = outdated(picture) if picture.user.present else ()
    if pods:
        who = f"{len(pods)} running Pods have" if len(pods) > 1 else "1 running Pod has"
        problem = f"{who} other user volumes than this template"
        yield Violation(picture.ref, picture.pod.path, problem, replaced(picture.ref, pods))


def _otherwise(picture: WorkloadPicture, pods: Sequence[Workload]) -> str:
    """Whether the Pods lack mounts, or have what injection does not add any more."""
    mounts = picture.addition.mounts
    if any(not own_mounts(pod.template).issuperset(mounts) for pod in pods):
        who = f"{len(pods)} running Pods lack" if len(pods) > 1 else "1 running Pod lacks"
        return f"{who} what injection adds now: the files at {listed([mount.mount_path for mount in mounts])}"
    who = f"{len(pods)} running Pods have" if len(pods) > 1 else "1 running Pod has"
    return f"{who} files that injection does not add any more"


RULE = RuleMetadata(
    title="Running Pods lack user volumes that the template or injection gives to new Pods",
    severity=Severity.WARN,
    about="workload",
    reads=frozenset({"Pod"}) | CHAINS | WORKLOADS,
)
