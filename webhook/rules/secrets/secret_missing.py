"""Each Secret that is mounted into the sidecar exists in the workload's namespace.

## Why

A volume can only use a Secret of the Pod's own namespace. If the Secret is missing, the Pod waits in ContainerCreating,
which `kubectl apply` of the Deployment does not show. With `optional: true` the Pod starts with an empty directory
instead, and every call fails with HTTP 503. For a gateway, an optional Secret is reported only if a DestinationRule
needs it, because Istio's charts mount optional Secrets by default.

If an object in the cluster will create the Secret (a cert-manager Certificate, an ExternalSecret, a SealedSecret and
others, see `docs/releases.md`), this rule only warns. It also only warns on a dry run, and if the workload is sent by a
release tool that sends custom resources last (Helm, Argo CD, Flux) while the cluster serves a kind that creates
Secrets. The policy setting `missingSecret` changes this.

## Fix

Create the Secret in the workload's namespace before the workload, or correct its name in `userVolume`. If the Secret,
or the object that creates it, is part of the same input, applying the input a second time is sufficient.

## Source

Kubernetes: a Secret volume waits for its Secret unless `optional` is true (kubelet, pkg/volume/secret). Seen with real
traffic: if the Secret is missing or in another namespace, the Pod does not start.
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Source
from webhook.rules._missing import absent
from webhook.rules._reads import CHAINS, PRODUCERS
from webhook.rules._secrets import effect_of_absence, is_spare, mounted_sources, needed_keys, secret_ref
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that the sidecar's mounts need and that does not exist."""
    if not picture.complete or not picture.has_sidecar or picture.user.rejected:
        return
    for source in mounted_sources(picture):
        ref = secret_ref(picture, source.name)
        if is_spare(picture, source, ref):
            continue
        if picture.view.secret(ref.namespace, ref.name) is None and not picture.view.unread(
            ref.kind, ref.namespace, ref.name
        ):
            yield _missing(picture, source, ref)


def _missing(picture: WorkloadPicture, source: Source, ref: ObjectRef) -> Violation:
    effect, keys = effect_of_absence(source), needed_keys(picture, ref)
    return absent(picture, ref, effect, keys, certain=bool(keys) or not source.optional)


RULE = RuleMetadata(
    title="A Secret that the sidecar mounts does not exist in the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    reads=CHAINS | PRODUCERS,
)
