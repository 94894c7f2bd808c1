"""Each data key that `items` of a mounted Secret names exists in the Secret.

## Why

`items` selects single data keys of a Secret. If one of them does not exist, the Pod waits in ContainerCreating
(`references non-existent secret key`), unless the source is `optional`. The status of the Deployment does not show the
reason.

## Fix

Name an existing data key in `items`, or add the data key to the Secret.

## Source

Kubernetes: pkg/volume/secret, `MakePayload`.
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.model.workload import Source
from webhook.rules._missing import denies
from webhook.rules._producers import incomplete
from webhook.rules._reads import NAMESPACE, PRODUCERS, SECRETS
from webhook.rules._secrets import mounted_sources, secret_ref
from webhook.rules._words import listed
from webhook.trace.secret_producers import to_come, writer
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret of which a mounted volume wants keys that it lacks."""
    if not picture.has_sidecar or picture.user.rejected:
        return
    for source in mounted_sources(picture):
        if source.items and not source.optional:
            yield from _lacking(picture, source)


def _lacking(picture: WorkloadPicture, source: Source) -> Iterator[Violation]:
    ref = secret_ref(picture, source.name)
    facts = picture.view.secret(ref.namespace, ref.name)
    if facts is None:
        return
    lacking = [item.key for item in source.items or () if item.key not in facts.keys]
    if lacking:
        content = f"it holds {listed(sorted(facts.keys))}" if facts.keys else "it is empty"
        problem = f"does not exist ({content}), and items of a volume names it: the Pod will not start"
        yield _said(picture, ref, lacking, problem)


def _said(picture: WorkloadPicture, ref: ObjectRef, lacking: list[str], problem: str) -> Violation:
    """The violation; one that warns where the producer of the Secret has not completed it yet."""
    path, owner = f"key {listed(lacking)}", writer(picture.view, ref)
    if to_come(picture.view, ref, lacking):
        why, fix = incomplete(picture.view, ref)
        return Violation(ref, path, f"{problem}; {why}", fix, certain=denies(picture, ref))
    return Violation(ref, path, problem, f"name an existing key in items, or {_add(owner)}")


def _add(owner: ObjectRef | None) -> str:
    return f"let {owner} write it" if owner else "add it"


RULE = RuleMetadata(
    title="`items` of a mounted volume names a data key that the Secret lacks",
    severity=Severity.DENY,
    about="workload",
    over="user_mounts",
    reads=NAMESPACE | SECRETS | PRODUCERS,
)
