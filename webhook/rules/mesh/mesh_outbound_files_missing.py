"""Every sidecar has the files that `outboundTrafficPolicy.tls` of the mesh configuration names.

## Why

With the mode `ALLOW_ANY_DYNAMIC_DNS`, the mesh configuration contains TLS settings for calls to unknown hosts, with
file paths as in a DestinationRule. They apply to every sidecar, and these calls fail in a sidecar that lacks the files.

## Fix

Mount the files into every sidecar (for example in the injector's template), or remove the paths from the mesh
configuration.

## Source

pilot/pkg/networking/core/cluster_builder.go (Istio 1.31, unreleased in 1.30).
"""

from collections.abc import Iterator

from webhook.model.chain import Answer
from webhook.model.finding import Severity, Violation
from webhook.model.mesh import FileSet, TlsSettings
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, SECRETS
from webhook.rules._words import listed
from webhook.trace.workload import WorkloadPicture

MODE = "ALLOW_ANY_DYNAMIC_DNS"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, for the files that the mesh tells this sidecar to read and that it lacks."""
    mesh = picture.view.mesh
    if mesh.outbound_tls is None or mesh.outbound_mode != MODE or picture.injection.answer is not Answer.YES:
        return
    paths = [path for _, path in _read(mesh.outbound_tls).items()]
    lacking = [path for path in paths if picture.sidecar.resolve(path, picture.contents).absent]
    if lacking:
        problem = f"the sidecar lacks {listed(lacking)}, which outboundTrafficPolicy.tls of the mesh makes it read"
        fix = "mount these files, or take the paths out of the mesh configuration"
        yield Violation(picture.ref, picture.pod.path, problem, fix, certain=False)


def _read(tls: TlsSettings) -> FileSet:
    """The files of this mode: only MUTUAL has a client certificate."""
    files = tls.files
    ca = "" if files.ca_certificates == "system" else files.ca_certificates
    if tls.mode == "MUTUAL":
        return FileSet(files.client_certificate, files.private_key, ca)
    return FileSet("", "", ca) if tls.mode == "SIMPLE" else FileSet()


RULE = RuleMetadata(
    title="The sidecar lacks files that the mesh's own TLS settings name",
    severity=Severity.WARN,
    about="workload",
    reads=NAMESPACE | SECRETS,
)
