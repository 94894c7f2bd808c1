"""A DestinationRule that reads files applies to each workload that opts in to injection.

## Why

Injection takes the mount directory and the file names from the DestinationRule that applies to the workload. Without
one, Pods are created without the files, and existing Pods do not get them until they are replaced.

## Fix

Apply the DestinationRule before the workload, or restart the workload (`kubectl rollout restart`) afterwards. If the
DestinationRule exists, check that it applies to the namespace: its host, `exportTo` and `workloadSelector`.

## Source

Injection by mtls-guard; its annotations are described in docs/injection.md.
"""

from collections.abc import Iterator

from webhook.kinds.opt_in_annotations import CLIENT_SECRET, DESTINATIONS, INJECT
from webhook.model.finding import Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._words import annotation, listed, quote
from webhook.trace.secret_choice import Choice, choose, nearest
from webhook.trace.workload import WorkloadPicture

FIX = "apply the DestinationRule, then restart the workload; if it exists, check its exportTo and host"
FIX_HOST = "correct it, or apply its DestinationRule and restart"
NAME_IT = f"name the Secret in an annotation {CLIENT_SECRET}, of the workload or of the DestinationRule"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that no rule in force is to be served from, or one for all."""
    if not (picture.addition.opted_in and picture.has_sidecar) or picture.addition.obstacles or picture.user.rejected:
        return
    choice = choose(picture)
    mounted = {name for chosen in choice.chosen for name in chosen.secrets.values()}
    declared, path = picture.declaration, picture.pod.path
    if declared.destinations:
        yield from _of_hosts(picture, choice)
    for secret in declared.secrets if not declared.destinations else ():
        if secret not in mounted:
            yield _of_secret(picture, secret)
    if declared.inject and not declared.secrets and not choice.chosen and not declared.destinations:
        problem = f"asks for injection, and no DestinationRule in force names a Secret ({CLIENT_SECRET})"
        yield Violation(picture.ref, annotation(path, INJECT), problem, NAME_IT, certain=False)


def _of_hosts(picture: WorkloadPicture, choice: Choice) -> Iterator[Violation]:
    """At most one violation, for the hosts that are named and for which no rule in force reads files."""
    served = {user.service.host for chosen in choice.chosen for user in chosen.request.users}
    missing = [host for host in picture.declaration.destinations if host not in served]
    if missing:
        problem = f"{listed(missing)}: no DestinationRule in force reads files for it"
        yield Violation(picture.ref, annotation(picture.pod.path, DESTINATIONS), problem, FIX_HOST, certain=False)


def _of_secret(picture: WorkloadPicture, secret: str) -> Violation:
    """No rule in force has the Secret's data keys as file names; the nearest of them is named with what is missing."""
    path = annotation(picture.pod.path, CLIENT_SECRET)
    near = nearest(picture, secret)
    if near is None:
        problem = f"{quote(secret)} is to be mounted, and no DestinationRule in force reads files for it"
        return Violation(picture.ref, path, problem, FIX, certain=False)
    user, missing = near
    problem = f"{quote(secret)} is not mounted: {user.rule.ref} reads {listed(missing)}, which are no data keys of it"
    fix = f"if {user.service.host} is meant, add these data keys; else apply its DestinationRule, then restart"
    return Violation(picture.ref, path, problem, fix, certain=False)


RULE = RuleMetadata(
    title="The workload opts in to injection, but no DestinationRule defines which files to mount",
    severity=Severity.WARN,
    about="workload",
    over="asks_injection",
    reads=CHAINS | WORKLOADS,
)
