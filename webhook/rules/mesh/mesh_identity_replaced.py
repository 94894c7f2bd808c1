"""A Secret mounted at `/etc/certs` contains neither `root-cert.pem` nor the pair `cert-chain.pem` and `key.pem`.

## Why

Istio's agent uses files with these names in this directory itself. With `root-cert.pem` it verifies istiod, so it
cannot connect and the sidecar never becomes ready. `cert-chain.pem` and `key.pem` replace the workload's certificate in
the mesh. The same applies to all three names in `/var/run/secrets/workload-spiffe-credentials`. Files with other names
are harmless, and so is the root certificate of the mesh from the ConfigMap `istio-ca-root-cert`. A proxy with
`FILE_MOUNTED_CERTS: "true"` is intended to use such files.

## Fix

Mount the Secret at another directory, for example `/etc/mtlsfiles`, and use it in the paths of the DestinationRule.

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
    title="A mounted Secret replaces the sidecar's own mesh certificate",
    severity=Severity.DENY,
    about="workload",
    over="mount_faults",
    reads=NAMESPACE | SECRETS,
)
