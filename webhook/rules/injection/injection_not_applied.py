"""A Pod that opts in to injection has the mounts that injection adds.

## Why

mtls-guard adds mounts to a Pod when it is created, before Istio's injector runs. Another mutating webhook can remove or
overwrite them, or add the opt-in annotations afterwards, or the webhook configuration can be missing. mtls-guard is
called again for such a Pod after all mutating webhooks. A Pod that still lacked its files would start, and every call
would fail with HTTP 503.

A Pod that opts in only through the label of its namespace causes a warning, because it may not call any partner.

## Fix

Create the Pod again (a controller does this automatically). If it is denied again, find the mutating webhook that
removes `sidecar.istio.io/userVolume` and `userVolumeMount`: `kubectl get mutatingwebhookconfigurations`.

## Source

Kubernetes: mutating webhooks run in the order of their names, validating webhooks after all of them
(kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers). Injection by mtls-guard:
docs/injection.md.
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._pod_changes import changed
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import listed
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, for all mounts that are missing."""
    missing = picture.addition.lacking
    if not missing or changed(picture):  # a Pod that runs gets nothing by a change: annotation-of-running-pod
        return
    declared = picture.declaration
    itself = bool(declared.secrets or declared.inject or declared.destinations)
    places = listed([mount.mount_path for mount in missing])
    yield Violation(
        picture.ref,
        picture.pod.path,
        f"opts in to injection, and istio-proxy has not got the files at {places}: injection did not reach the Pod, "
        "or another mutating webhook removed them",
        "create the Pod again; if that is of no help, see which webhook changes it: kubectl get "
        "mutatingwebhookconfigurations",
        certain=itself,
    )


RULE = RuleMetadata(
    title="A Pod that opts in to injection lacks its files after all mutating webhooks have run",
    severity=Severity.DENY,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
