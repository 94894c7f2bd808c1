"""The annotations that select the files of a sidecar are not changed on a running Pod.

## Why

The volumes and mounts of a Pod cannot be changed after it has been created. Its annotations can be changed, but Istio
and mtls-guard read them only when a Pod is created: another Secret in `mtls-guard.io/client-secret`, `inject: "false"`,
or other user volumes have no effect on a running Pod. `kubectl apply` prints "configured", and the sidecar keeps its
current files.

## Fix

Create the Pod again from its manifest (`kubectl replace --force`). For a Pod of a Deployment, change the annotations in
the Deployment's pod template. Do not use the output of `kubectl get pod -o yaml` as the manifest: it already contains
the injected sidecar.

## Source

Kubernetes 1.37: pkg/apis/core/validation, `ValidatePodUpdate`. The mutating webhooks of mtls-guard and of Istio are
called only when Pods are created.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.printable import cut
from webhook.model.rule import RuleMetadata
from webhook.rules._pod_changes import changed
from webhook.rules._reads import CHAINS
from webhook.rules._words import annotation, quote
from webhook.trace.workload import WorkloadPicture

_SHOWN = 40


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation, at the first annotation that changes."""
    for name in changed(picture)[:1]:
        before = dict(picture.occasion.before or ()).get(name)
        new_value = picture.pod.annotations.get(name)
        problem = f"{_shown(before)} becomes {_shown(new_value)}: the Pod keeps the files that it has"
        fix = f"create it again from its manifest: kubectl -n {picture.workload.namespace} replace --force -f FILE"
        yield Violation(picture.ref, annotation(picture.pod.path, name), problem, fix, certain=False)


def _shown(value: str | None) -> str:
    """A value as a line shows it."""
    return "no value" if value is None else quote(cut(value, _SHOWN))


RULE = RuleMetadata(
    title="A running Pod's annotations are changed, but they are read only when a Pod is created",
    severity=Severity.WARN,
    about="workload",
    reads=CHAINS,
)
