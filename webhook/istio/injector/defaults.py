"""What Istio gives istio-proxy without anyone asking: its mounts, volumes and files, and those of its image.

Worked out once, here; which of it a pod gets, and what a person lays over it, is left to `sidecar_files`.
Source: injection-template.yaml and gateway-injection-template.yaml of the istiod chart, pkg/security/security.go, and
docker/Dockerfile.base, Istio 1.31, with the chart's defaults.
"""

from collections.abc import Mapping

from webhook.istio.injector.paths import lineage
from webhook.model.workload import KeyToPath, Mount, Source, Volume

CRL_FILE = "/var/run/secrets/istio/crl/ca-crl.pem"
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
BOOTSTRAP_DIRECTORY = "/etc/istio/custom-bootstrap"
BOOTSTRAP_VOLUME = "custom-bootstrap-volume"
BOOTSTRAP_ANNOTATION = "sidecar.istio.io/bootstrapOverride"

_CRL_MOUNT = Mount("istio-ca-crl", "/var/run/secrets/istio/crl")
GATEWAY_MOUNTS: tuple[Mount, ...] = (
    Mount("workload-socket", "/var/run/secrets/workload-spiffe-uds"),
    Mount("credential-socket", "/var/run/secrets/credential-uds"),
    Mount("workload-certs", "/var/run/secrets/workload-spiffe-credentials"),
    Mount("istiod-ca-cert", "/var/run/secrets/istio"),
    Mount("istio-data", "/var/lib/istio/data"),
    Mount("istio-envoy", "/etc/istio/proxy"),
    Mount("istio-token", "/var/run/secrets/tokens"),
    Mount("istio-podinfo", "/etc/istio/pod"),
    Mount("kube-api-access", SERVICE_ACCOUNT, read_only=True),
)
"""The mounts of an injected gateway, the API server's own for the ServiceAccount included."""
SIDECAR_MOUNTS: tuple[Mount, ...] = (*GATEWAY_MOUNTS[:4], _CRL_MOUNT, *GATEWAY_MOUNTS[4:])
"""The mounts of an injected sidecar in the template's order."""

_EMPTY = Source("emptyDir")
_TOKEN = Source("serviceAccountToken", items=(KeyToPath("", "istio-token"),))
_LABELS = Source("downwardAPI", items=(KeyToPath("", "labels"), KeyToPath("", "annotations")))
VOLUMES: Mapping[str, Volume] = {
    volume.name: volume
    for volume in (
        Volume("workload-socket", (_EMPTY,)),
        Volume("credential-socket", (_EMPTY,)),
        Volume("workload-certs", (_EMPTY,)),
        Volume("istio-envoy", (_EMPTY,)),
        Volume("istio-data", (_EMPTY,)),
        Volume("istio-podinfo", (_LABELS,)),
        Volume("istio-token", (Source("projected", parts=(_TOKEN,)),)),
        Volume("istiod-ca-cert", (Source("configMap", "istio-ca-root-cert"),)),
        Volume("istio-ca-crl", (Source("configMap", "istio-ca-crl", optional=True),)),
        Volume("kube-api-access", (Source("projected"),)),
    )
}
"""Istio's volumes by name; the last one stands for the API server's `kube-api-access-...`."""

REPLACEABLE_VOLUMES = frozenset(("workload-socket", "credential-socket", "workload-certs"))
"""Volumes whose emptyDir the template writes as null: a user volume of that name takes their place."""
LATE_VOLUMES = frozenset(("vault-secrets", "aws-iam-token", "azure-identity-token", "token-vol"))
"""Volumes that other mutating webhooks add to the pod before Istio's is asked."""

FILES: frozenset[str] = frozenset(
    (
        "/var/run/secrets/istio/root-cert.pem",
        "/var/run/secrets/tokens/istio-token",
        "/var/run/secrets/workload-spiffe-uds/socket",
        "/etc/istio/pod/labels",
        "/etc/istio/pod/annotations",
        "/etc/istio/proxy/envoy-rev.json",
        "/etc/istio/proxy/XDS",
        f"{SERVICE_ACCOUNT}/token",
        f"{SERVICE_ACCOUNT}/ca.crt",
        f"{SERVICE_ACCOUNT}/namespace",
        CRL_FILE,
    )
)
"""Files under Istio's own mounts."""
POSSIBLE_FILES: frozenset[str] = frozenset(
    f"/var/run/secrets/workload-spiffe-credentials/{name}"
    for name in ("certificates.pem", "private_key.pem", "ca_certificates.pem")
)
"""Files under Istio's own mounts on some platforms only (GKE's workload certificates)."""

IMAGE_FILES: frozenset[str] = frozenset(
    (
        CA_BUNDLE,
        "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json",
        "/usr/local/bin/pilot-agent",
        "/usr/local/bin/envoy",
    )
)
"""Files of the image that the proxy needs."""
IMAGE_DIRECTORIES = ("/etc/ssl/certs/", "/usr/share/ca-certificates/")
"""Directories of the image whose further files depend on its variant."""

IDENTITY_FILES: Mapping[str, tuple[str, ...]] = {
    "/etc/certs": ("root-cert.pem", "cert-chain.pem", "key.pem"),
    "/var/run/secrets/workload-spiffe-credentials": ("cert-chain.pem", "key.pem", "root-cert.pem"),
}
"""Names that the agent takes for its own mesh identity where they exist (security.go, secretcache.go, agent.go)."""
OUTPUT_FILES = frozenset(("key.pem", "cert-chain.pem", "root-cert.pem"))
"""What the agent writes into $OUTPUT_CERTS."""

SIDECAR_INDEX: Mapping[str, Mount] = {mount.mount_path: mount for mount in SIDECAR_MOUNTS}
GATEWAY_INDEX: Mapping[str, Mount] = {mount.mount_path: mount for mount in GATEWAY_MOUNTS}
EVERY_MOUNT_PATH = frozenset(SIDECAR_INDEX)
DIRECTORIES: frozenset[str] = frozenset(
    above for path in (*SIDECAR_INDEX, *IMAGE_FILES) for above in lineage(path) if above != path
)
"""Directories above what Istio and its image bring."""
