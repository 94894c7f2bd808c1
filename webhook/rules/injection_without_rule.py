"""A workload that opts in to injection meets a DestinationRule that reads files.

## Why

Injection takes the mount directory and the file names from the DestinationRule in force. While there is none, Pods are
created without the files; those that exist when the rule arrives do not get them until they are replaced.

## Fix

Apply the DestinationRule before the workload, or restart the workload (`kubectl rollout restart`) once the rule is
there. If the rule exists, see that it reaches the namespace: its host, `exportTo` and `workloadSelector`.

## Source

Our own injection; its annotations are described in docs/injection.md.
"""

from collections.abc import Iterator

from webhook.kinds.declaration import CLIENT_SECRET, DESTINATIONS, INJECT
from webhook.model.finding import Severity, Violation
from webhook.model.rule import Rule
from webhook.rules._reads import CHAINS
from webhook.rules._words import annotation, listed, quote
from webhook.trace.opt_in import wishes
from webhook.trace.workload import WorkloadPicture

FIX = "apply the DestinationRule, then restart the workload; if it exists, check its exportTo and host"
FIX_HOST = "correct it, or apply its DestinationRule and restart"
NAME_IT = f"name the Secret in an annotation {CLIENT_SECRET}, of the workload or of the DestinationRule"


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret that no rule in force is to be served from, or one for all."""
    if not (picture.addition.opted_in and picture.has_sidecar) or picture.addition.obstacles:
        return
    asked = {name for wish in wishes(picture) for name in wish.secrets}
    declared, path = picture.declaration, picture.pod.path
    for secret in declared.secrets:
        if secret not in asked and declared.destinations:
            problem = f"{listed(declared.destinations)}: no DestinationRule in force reads files for it"
            yield Violation(picture.ref, annotation(path, DESTINATIONS), problem, FIX_HOST, certain=False)
        elif secret not in asked:
            problem = f"{quote(secret)} is to be mounted, and no DestinationRule in force reads files for it"
            yield Violation(picture.ref, annotation(path, CLIENT_SECRET), problem, FIX, certain=False)
    if declared.inject and not declared.secrets and not asked:
        problem = f"asks for injection, and no DestinationRule in force names a Secret ({CLIENT_SECRET})"
        yield Violation(picture.ref, annotation(path, INJECT), problem, NAME_IT, certain=False)


RULE = Rule(
    id="injection-without-rule",
    title="The workload opts in to injection, and no DestinationRule in force says what to mount",
    severity=Severity.WARN,
    about="workload",
    reads=CHAINS,
    since="0.1",
    docs=__doc__ or "",
    check=check,
)
