"""A workload that mounts files for its sidecar, or is selected for a client certificate, gets a sidecar.

## Why

Without a sidecar there is no TLS origination: calls leave as plain text, or fail. Istio decides on injection by the
label `istio-injection` (or `istio.io/rev`) of the namespace and the label `sidecar.istio.io/inject` of the Pod. An
annotation with that name does not enable injection in a namespace without a label. Pods with `hostNetwork: true` never
get a sidecar, and Pods in a namespace in ambient mode do not get one either.

## Fix

Label the namespace (`kubectl label namespace NAME istio-injection=enabled`) or the pod template
(`sidecar.istio.io/inject: "true"` under `labels`), or remove the setting that disables injection.

## Source

mutatingwebhook.yaml of the istiod chart, and pkg/kube/inject/inject.go, `injectRequired` (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.annotations import USER_VOLUME, USER_VOLUME_MOUNT
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, ROUTING
from webhook.rules._words import annotation, metadata
from webhook.trace.intent import selected
from webhook.trace.workload import WorkloadPicture

LACKS = "namespace {} has no label istio-injection=enabled and the pod no label sidecar.istio.io/inject=true"
SHORTER = {
    "(the annotation of that name does not ask for a sidecar)": "(the annotation does not count)",
    "; it is in ambient mode, where no DestinationRule applies without a waypoint": "; ambient mode has no rules",
}


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation where there will be no sidecar although something counts on one."""
    if picture.has_sidecar:
        return
    path, evidence = _sign(picture)
    if path:
        problem = f"{evidence} a sidecar, and there will be none: {_reason(picture)}"
        yield Violation(picture.ref, path, problem, _fix(picture))


def _sign(picture: WorkloadPicture) -> tuple[str, str]:
    """What counts on a sidecar: where it is written and in words, '' when nothing does."""
    pod = picture.pod
    for name in (USER_VOLUME_MOUNT, USER_VOLUME):
        if name in pod.annotations:
            return annotation(pod.path, name), "mounts files for"
    if picture.declaration.any:
        return metadata(pod.path, "annotations"), "asks for a client certificate in"
    if any(picture.view.config.rules.hosts_in(picture.workload.namespace)) and any(selected(picture)):
        return metadata(pod.path, "labels"), "a DestinationRule selects it for"
    return "", ""


def _reason(picture: WorkloadPicture) -> str:
    """Why there is none; the longest and most frequent reason in fewer words."""
    reason, name = picture.injection.reason, picture.workload.namespace
    shorter = reason.replace(LACKS.format(name), f"neither namespace {name} nor the Pod asks for one")
    for long, short in SHORTER.items():
        shorter = shorter.replace(long, short)
    return shorter


def _fix(picture: WorkloadPicture) -> str:
    injection, name = picture.injection, picture.workload.namespace
    if injection.path.endswith("hostNetwork"):
        return "remove hostNetwork, or let the application speak TLS itself"
    if injection.path.endswith('templates"]'):
        return "remove it, so that the template sidecar is used"
    if injection.path:
        return f'set {injection.path} to "true", or remove it'
    if "never injected" in injection.reason:
        return "move it to another namespace"
    if "has the label" in injection.reason:
        return f"kubectl label namespace {name} istio-injection=enabled --overwrite"
    return f"kubectl label namespace {name} istio-injection=enabled"


RULE = RuleMetadata(
    title="The workload needs a sidecar, but none is injected",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE | ROUTING,
)
