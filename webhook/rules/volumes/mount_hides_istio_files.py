"""A mount of the sidecar uses a separate directory and does not hide files of Istio.

## Why

A mount hides the files that the image or Istio has at the same path. Over `/etc/istio/proxy` the agent cannot write its
configuration, over `/var/run/secrets/...` it loses its credentials, and over `/usr/local/bin` the proxy binary is
missing: the Pod never becomes ready. Over `/etc/ssl/certs` the public CA certificates are hidden; this is sometimes
intended, so this rule then only warns. The socket of another agent such as SPIRE in
`/var/run/secrets/workload-spiffe-uds` is supported by Istio and not reported.

## Fix

Mount the files at an unused directory, for example `/etc/mtlsfiles`, and use it in the paths of the DestinationRule.

## Source

The mounts of Istio's injection template, and docker/Dockerfile.base (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.istio.injector.mount_faults import FileFault
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE
from webhook.trace.workload import WorkloadPicture

REPLACEABLE = ("/etc/ssl/certs/", "/var/lib/istio/envoy/")
"""Files that a team may replace knowingly: its own CAs, its own bootstrap."""

SOCKETS = "/var/run/secrets/workload-spiffe-uds"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount that covers files of Istio or its image."""
    for fault in mount_faults(picture, "hides-files"):
        if _is_agent_socket(picture, fault):
            continue
        certain = not all(path.startswith(REPLACEABLE) for path in fault.files)
        fix = "mount it at a directory of its own, as /etc/mtlsfiles"
        yield Violation(picture.ref, fault.path, fault.detail, fix, certain=certain)


def _is_agent_socket(picture: WorkloadPicture, fault: FileFault) -> bool:
    """Whether the mount brings the socket of another agent, as SPIRE's: istio-agent uses a healthy one found there."""
    volume = picture.sidecar.volume(fault.mount.name) if fault.mount is not None else None
    all_sockets = all(path.startswith(SOCKETS) for path in fault.files)
    return all_sockets and volume is not None and volume.source.kind in ("hostPath", "csi")


RULE = RuleMetadata(
    title="A mount hides files that the sidecar itself needs",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE,
)
