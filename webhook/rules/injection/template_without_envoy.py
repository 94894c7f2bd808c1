"""A workload that mounts files for a DestinationRule has an Envoy that reads them.

## Why

With the template `grpc-agent`, the gRPC library of the application connects to the mesh without Envoy. It ignores the
modes SIMPLE and MUTUAL of a DestinationRule: the files are mounted, but the client certificate is not presented.

## Fix

Remove the annotation `inject.istio.io/templates`, so that the Pod gets an ordinary sidecar.

## Source

pilot/pkg/networking/grpcgen/cds.go (Istio 1.31).
"""

from collections.abc import Iterator

from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE
from webhook.rules._words import USER_VOLUME_MOUNT, annotation
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields at most one violation, for a proxyless workload with user mounts."""
    templates = picture.injection.templates
    if "grpc-agent" in templates and "sidecar" not in templates and picture.user.mounts and picture.has_sidecar:
        path = annotation(picture.pod.path, USER_VOLUME_MOUNT)
        problem = "mounts files for an Envoy, and the injection template grpc-agent gives none"
        yield Violation(picture.ref, path, problem, "remove the annotation inject.istio.io/templates")


RULE = RuleMetadata(
    title="The injection template contains no Envoy, so there is no TLS origination",
    severity=Severity.DENY,
    about="workload",
    reads=NAMESPACE,
)
