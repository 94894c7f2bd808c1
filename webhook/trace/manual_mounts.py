"""Files that a mount of a person's brings, and from which Secret; what mtls-guard added itself is told by its name."""

from webhook.model.injection_plan import is_own
from webhook.model.workload import Mount
from webhook.trace.context import WorkloadContext
from webhook.trace.injection_request import RequestedFiles


def by_hand(context: WorkloadContext, path: str) -> tuple[Mount, str] | None:
    """The mount of a person that leads to the file, and the Secret that it comes from; None for anything else."""
    mount = context.sidecar.place(path).mount
    if mount is None or not mount.path or is_own(mount.name):
        return None
    source = context.sidecar.resolve(path, context.contents).source
    return (mount, source.name) if source is not None and source.kind == "secret" and source.name else None


def is_of_other_secret(context: WorkloadContext, request: RequestedFiles) -> bool:
    """Whether a person's mounts provide every file of the request, from Secrets that the request does not name."""
    mounts = [by_hand(context, path) for _, path in request.files.items()]
    return all(mount is not None and mount[1] not in request.secrets for mount in mounts)
