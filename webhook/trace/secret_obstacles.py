"""The obstacles and warnings about the Secrets that a workload names: the place, the problem and the fix."""

from posixpath import dirname

from webhook.kinds.opt_in_annotations import CLIENT_SECRET, DESTINATIONS
from webhook.model.injection_plan import Obstacle, Rivals
from webhook.trace.context import WorkloadContext
from webhook.trace.injection_request import RequestedFiles, named_by


def ambiguous(context: WorkloadContext, request: RequestedFiles, *, certain: bool) -> Obstacle:
    """The workload or its DestinationRules name several Secrets for the files, or none."""
    goal = request.users[0].service.host
    if not request.secrets:
        return Obstacle(
            annotation(context, DESTINATIONS),
            f"{goal} is named, and no Secret for its client certificate",
            f"add the annotation {CLIENT_SECRET} with the Secret's name",
        )
    rules = dict.fromkeys(str(user.rule.ref) for user in request.users if request.named and named_by(user))
    if len(rules) > 1:
        return _at_one_path(context, request, list(rules), certain=certain)
    problem = f"{next(iter(rules))} names several Secrets" if rules else "several Secrets are named"
    return Obstacle(
        annotation(context, CLIENT_SECRET),
        f"{problem} for {goal}: {', '.join(request.secrets[:4])}",
        f"annotate the DestinationRule with {CLIENT_SECRET}, or name one Secret",
        certain=certain,
    )


def _at_one_path(context: WorkloadContext, request: RequestedFiles, rules: list[str], *, certain: bool) -> Obstacle:
    """DestinationRules that read the same paths, and name different Secrets for them."""
    path = next(path for _, path in request.files.items())
    problem = f"{' and '.join(rules[:3])} read {path} and name different Secrets: {', '.join(request.secrets[:4])}"
    fix = f"let all but one of them read from another directory than {dirname(path)}"
    return Obstacle(annotation(context, CLIENT_SECRET), problem, fix, certain=certain)


def unusable(context: WorkloadContext, request: RequestedFiles) -> Obstacle:
    """A DestinationRule of another namespace names a Secret that this namespace does not have."""
    rule, secrets = request.users[0].rule.ref, ", ".join(request.secrets[:4])
    return Obstacle(
        context.pod.path,
        f"{rule} names Secret {secrets}, and {context.workload.namespace} has none with its files",
        f"if the workload calls {request.users[0].service.host}, create the Secret and restart the workload",
        certain=False,
    )


def annotation(context: WorkloadContext, name: str) -> str:
    """The path of an annotation of the pod template, whether the template has it or not."""
    prefix = f"{context.pod.path}.metadata" if context.pod.path else "metadata"
    return f'{prefix}.annotations["{name}"]'


def in_words(rivals: Rivals) -> tuple[str, str]:
    """The message about a Secret that fits several DestinationRules, and the fix, in words."""
    unlisted = len(rivals.hosts) - 3
    hosts = ", ".join(rivals.hosts[:3]) + (f" and {unlisted} more" if unlisted > 0 else "")
    which = "the first by name, for their age is not in view" if rivals.undated else "the oldest that fits best"
    several = f"{rivals.count} DestinationRules ({hosts})"
    problem = f'"{rivals.secret}" could be for {several} and is mounted for {rivals.rule}, {which}'
    return problem, f'say for which: annotation {DESTINATIONS}: "{rivals.hosts[0]}"'
