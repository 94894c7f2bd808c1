"""A Secret that the sidecar mounts, or the object that creates it, is among the files that are checked.

## Why

`mtls-guard check PATH` sees only the files in PATH. Git repositories rarely contain Secrets, so mtls-guard could not
check the content of the Secret or whether it exists. This does not mean that there is a fault.

## Fix

Pass the Secret (or the Certificate, ExternalSecret or SealedSecret that creates it) together with the other files, only
for the check, and with its namespace. Alternatively, combine the files with the objects of a cluster to which you have
read access: `check PATH --live`. With `--complete`, objects that are not in the input count as missing.

## Source

mtls-guard checks only the objects that it was given, and does not deny because of objects that may exist elsewhere.
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import NAMESPACE, PRODUCERS, SECRETS
from webhook.rules._secrets import mounted_sources, secret_ref
from webhook.trace.secret_producers import makers
from webhook.trace.workload import WorkloadPicture


def check(picture: WorkloadPicture) -> Iterator[Violation]:
    """Yields one violation per Secret of a mount that a partial view does not hold and nothing in it makes."""
    if picture.complete or not picture.has_sidecar or picture.user.rejected:
        return
    for source in mounted_sources(picture):
        ref = secret_ref(picture, source.name)
        if picture.view.secret(ref.namespace, ref.name) is None and not makers(picture.view, ref):
            yield Violation(ref, "", *_said(picture, ref), certain=False)


def _said(picture: WorkloadPicture, ref: ObjectRef) -> tuple[str, str]:
    """Problem and fix; a Secret that names no namespace counts as one of `default`, as in kubectl."""
    if picture.view.secret("default", ref.name) is not None:
        problem = 'is not in this input, only one of that name in namespace "default" or without a namespace'
        return problem, f"write into that one: metadata.namespace: {ref.namespace}"
    show = f"kubectl -n {ref.namespace} get secret {ref.name} -o yaml"
    problem = "is not in this input, so that its keys and certificates were not checked"
    return problem, f"use --live, or give it too: {show} | mtls-guard check PATH -"


RULE = RuleMetadata(
    title="A Secret that the sidecar mounts is not among the files that were checked",
    severity=Severity.WARN,
    about="workload",
    reads=NAMESPACE | SECRETS | PRODUCERS,
)
