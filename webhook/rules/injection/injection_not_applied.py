"""A Pod that opts in to injection has the mounts that injection should have added.

## Why

Injection writes into a Pod when it is created, before Istio's injector. Another mutating webhook can remove or
overwrite what it wrote, or add the opt-in afterwards; the webhook configuration can be missing. mtls-guard is called
again for such a Pod at the end of all mutating webhooks. What still lacks its files then would start, and every call
would answer 503.

A Pod that asks only by the label of its namespace causes a warning: it may call no partner.

## Fix

Create the Pod again (a controller does so by itself). If it is refused again, look for the mutating webhook that
removes `sidecar.istio.io/userVolume` and `userVolumeMount`: `kubectl get mutatingwebhookconfigurations`.

## Source

Kubernetes: mutating webhooks run in the order of their names, validating ones after all of them
(kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers). mtls-guard's own injection
(docs/injection.md).
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
    title="A Pod that opts in to injection has not got its files after all mutating webhooks",
    severity=Severity.DENY,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
