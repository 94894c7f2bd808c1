"""Files that a mount written by a person provides, and their Secret; mounts of mtls-guard are known by their name."""

from webhook.model.injection_plan import is_own
from webhook.model.workload import Mount
from webhook.trace.context import WorkloadContext
from webhook.trace.injection_request import RequestedFiles


def by_hand(context: WorkloadContext, path: str) -> tuple[Mount, str] | None:
    """The mount that a person wrote for the file, and the name of its Secret; None for any other file."""
    mount = context.sidecar.place(path).mount
    if mount is None or not mount.path or is_own(mount.name):
        return None
    source = context.sidecar.resolve(path, context.contents).source
    return (mount, source.name) if source is not None and source.kind == "secret" and source.name else None


def is_of_other_secret(context: WorkloadContext, request: RequestedFiles) -> bool:
    """Whether a person's mounts provide every file of the request, from Secrets that the request does not name."""
    mounts = [by_hand(context, path) for _, path in request.files.items()]
    return all(mount is not None and mount[1] not in request.secrets for mount in mounts)
