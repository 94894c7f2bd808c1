"""Why a workload that opts in does not get its files: injection does not work in its namespace.

It is then judged as it is written: only the files that its own mounts provide count.
"""

from webhook.kinds.opt_in_annotations import CLIENT_SECRET, INJECT
from webhook.model.injection_plan import Obstacle
from webhook.model.webhook_configuration import Hindrance
from webhook.trace.context import WorkloadContext
from webhook.trace.istio_directories import is_covered
from webhook.trace.secret_choice import Chosen, choose


def hindrance_of(context: WorkloadContext) -> Hindrance | None:
    """Why injection does not work in the workload's namespace; None if it works, as far as mtls-guard can see."""
    declared = context.declaration
    by_itself = bool(declared.secrets or declared.inject)
    return context.view.injection(context.workload.namespace, by_itself=by_itself)


def unavailable(context: WorkloadContext, hindrance: Hindrance) -> Obstacle | None:
    """The obstacle of a workload that opts in and whose own mounts lack files; None if no file is missing."""
    lacking = [chosen for chosen in choose(context).chosen if _lacks(context, chosen)]
    if not lacking:
        return None
    secrets = ", ".join(dict.fromkeys(f'"{name}"' for chosen in lacking for name in chosen.secrets.values()))
    rule = lacking[0].request.users[0].rule.ref
    return Obstacle(
        _path(context),
        f"{hindrance.reason}: Pods lack the files of {rule}",
        f"mount {secrets} by hand, or {hindrance.remedy}",
        certain=not all(chosen.guessed or chosen.request.foreign for chosen in lacking),
    )


def _lacks(context: WorkloadContext, chosen: Chosen) -> bool:
    return not all(is_covered(context.sidecar.place(path)) for _, path in chosen.request.files.items())


def _path(context: WorkloadContext) -> str:
    """The path of the annotation by which the workload opts in, or of its template if the namespace opts in."""
    declared, path = context.declaration, context.pod.path
    name = CLIENT_SECRET if declared.secrets else INJECT if declared.inject else ""
    inside = f'metadata.annotations["{name}"]' if name else ""
    return ".".join(part for part in (path, inside) if part)
