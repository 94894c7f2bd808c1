"""A Secret mounted at `/etc/certs` does not hold `root-cert.pem`, or `cert-chain.pem` with `key.pem`.

## Why

The agent takes files of these names in this directory for its own: `root-cert.pem` becomes what it trusts istiod by,
so that it cannot connect and never becomes ready; `cert-chain.pem` and `key.pem` become the certificate of the
workload in the mesh. The same holds for all three in `/var/run/secrets/workload-spiffe-credentials`. Other names
there are harmless, and so is the mesh's own root of the ConfigMap `istio-ca-root-cert`. A proxy with
`FILE_MOUNTED_CERTS: "true"` is meant to have its identity from there.

## Fix

Mount the Secret at another directory, as `/etc/mtlsfiles`, and write that into the DestinationRule.

## Source

pkg/security/security.go and pkg/istio-agent/agent.go (Istio 1.31).
"""

from collections.abc import Iterator
from posixpath import basename

from webhook.istio.injector.mount_faults import FileFault
from webhook.istio.injector.proxy_metadata import file_mounted
from webhook.model.chain import FileState, ResolvedFile
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._faults import mount_faults
from webhook.rules._reads import NAMESPACE, SECRETS
from webhook.rules._words import listed
from webhook.trace.workload import WorkloadPicture

MESH_ROOT = "istio-ca-root-cert"
THERE = (FileState.PRESENT, FileState.UNREADABLE)


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per mount that holds files which the agent takes for its own, unless it is told to."""
    if file_mounted(picture.pod, picture.view.mesh):
        return
    for fault in mount_faults(picture, "identity-files"):
        taken = _taken(picture, fault)
        if taken:
            mounted = fault.mount.mount_path if fault.mount is not None else ""
            problem = f'"{mounted}" holds {listed(taken)}, which the agent takes for its own mesh identity'
            fix = "mount it elsewhere, as /etc/mtlsfiles, and name that in the DestinationRule"
            yield Violation(picture.ref, fault.path, problem, fix)


def _is_mesh_root(file: ResolvedFile) -> bool:
    """Whether the file is the root that the sidecar trusts anyhow: istiod writes that ConfigMap into each namespace."""
    return file.object is not None and (file.object.kind, file.object.name) == ("ConfigMap", MESH_ROOT)


def _taken(picture: WorkloadPicture, fault: FileFault) -> tuple[str, ...]:
    """The names that are there, where they are enough for the agent to take them."""
    files = [picture.sidecar.resolve(path, picture.contents) for path in fault.files]
    present = [file.path for file in files if file.state in THERE and not _is_mesh_root(file)]
    names = {basename(path) for path in present}
    legacy = fault.files[0].startswith("/etc/certs/")
    enough = legacy and ("root-cert.pem" in names or {"cert-chain.pem", "key.pem"} <= names)
    return tuple(sorted(names)) if enough or len(present) == len(fault.files) else ()


RULE = RuleMetadata(
    title="A mounted Secret replaces the sidecar's own mesh identity",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE | SECRETS,
)
