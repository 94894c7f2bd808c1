"""Each ConfigMap that is mounted into the sidecar exists in the workload's namespace.

## Why

A CA bundle is often stored in a ConfigMap, which is mounted directly or in a projected volume. If the ConfigMap is
missing, the Pod waits in ContainerCreating (`MountVolume.SetUp failed`), which `kubectl apply` of the Deployment does
not show. With `optional: true` the Pod starts without the file, and every call fails with HTTP 503.

This rule denies only if a DestinationRule reads a file from the ConfigMap. For other ConfigMaps mounted into the
sidecar, for example with Envoy filters, it warns.

It also only warns if an object in the cluster (a trust-manager Bundle) will create the ConfigMap, on a dry run, and if
a release tool sends the workload while the cluster serves a kind that creates ConfigMaps. `istio-ca-root-cert` and
`kube-root-ca.crt` exist in every namespace.

## Fix

Create the ConfigMap in the workload's namespace before the workload, or correct its name in `userVolume`. If the
ConfigMap is part of the same input, applying the input a second time is sufficient.

## Source

Kubernetes: a ConfigMap volume waits for its ConfigMap unless `optional` is true (kubelet, pkg/volume/configmap and
pkg/volume/projected).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._missing import absent
from webhook.rules._reads import CHAINS, CONFIG_MAPS, PRODUCERS
from webhook.rules._secrets import config_map_ref, effect_of_absence, mounted_sources, needed_keys
from webhook.trace.workload import WorkloadPicture

MADE_BY_CONTROLLERS = frozenset({"istio-ca-root-cert", "istio-ca-crl", "kube-root-ca.crt", "openshift-service-ca.crt"})
"""ConfigMaps that a controller of Istio, Kubernetes or OpenShift makes in every namespace."""


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per ConfigMap that the sidecar's mounts need and that does not exist."""
    if not picture.complete or not picture.has_sidecar or picture.user.rejected:
        return
    for source in mounted_sources(picture, "configMap"):
        ref, view = config_map_ref(picture, source.name), picture.view
        if source.name in MADE_BY_CONTROLLERS or view.config_map(ref.namespace, ref.name) is not None:
            continue
        if not view.unread(ref.kind, ref.namespace, ref.name):
            keys = needed_keys(picture, ref)
            yield absent(picture, ref, effect_of_absence(source), keys, certain=bool(keys))


RULE = RuleMetadata(
    title="A ConfigMap that the sidecar mounts does not exist in the workload's namespace",
    severity=Severity.DENY,
    about="workload",
    over="user_mounts",
    reads=CHAINS | CONFIG_MAPS | PRODUCERS,
    since="0.2",
)
