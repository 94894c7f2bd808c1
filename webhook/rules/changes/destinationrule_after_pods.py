"""Running Pods of workloads that use injection for a DestinationRule have the files that new Pods would get.

## Why

mtls-guard injects files when a Pod is created. A Pod that was created before the DestinationRule lacks its files until
the Pod is replaced, and its calls to the host fail with HTTP 503. If a DestinationRule now names another Secret,
existing Pods keep the previous one.

## Fix

`kubectl -n NAMESPACE rollout restart KIND/NAME`.

## Source

Kubernetes: the volumes of a Pod cannot be changed. Injection by mtls-guard: docs/injection.md, "No DestinationRule
yet".
"""

from collections.abc import Iterator

from webhook.model.finding import ObjectRef, Severity, Violation
from webhook.model.rule import RuleMetadata
from webhook.rules._reads import CHAINS, WORKLOADS
from webhook.rules._running import injected_otherwise, replaced
from webhook.rules._words import counted
from webhook.trace.audience import AudiencePicture
from webhook.trace.injected_workload import picture_as_injected
from webhook.trace.workload import WorkloadPicture

LOOKED_AT = 20
"""How many workloads are looked at; the others are told in their own reviews."""


def check(picture: AudiencePicture) -> Iterator[Violation]:
    """Yields at most one violation; workloads of other namespaces are counted."""
    behind = [workload for workload in _getting(picture) if injected_otherwise(workload)]
    same_namespace = [workload for workload in behind if workload.ref.namespace == picture.ref.namespace]
    if not behind:
        return
    outdated_workloads, fix = f"{counted(len(behind))} of other namespaces", "their owners restart them"
    if same_namespace:
        and_more = f" and {counted(len(behind) - 1)} more" if len(behind) > 1 else ""
        outdated_workloads, fix = (
            f"{same_namespace[0].ref}{and_more}",
            replaced(same_namespace[0].ref, injected_otherwise(same_namespace[0])),
        )
    yield Violation(
        picture.ref,
        "",
        f"running Pods of {outdated_workloads} have other files than injection gives to new ones",
        fix,
        certain=False,
    )


def _getting(picture: AudiencePicture) -> Iterator[WorkloadPicture]:
    """The workloads to which injection brings its files, as their Pods would be made now."""
    for ref in _first(picture):
        workload = picture.view.workloads.get(ref)
        if workload is not None:
            yield picture_as_injected(workload, picture.view, picture.horizon)


def _first(picture: AudiencePicture) -> list[ObjectRef]:
    refs = (ref for workloads in picture.brought.values() for ref in workloads)
    return sorted(refs, key=lambda ref: (ref.namespace != picture.ref.namespace, ref))[:LOOKED_AT]


RULE = RuleMetadata(
    title="Running Pods were created before the DestinationRule whose files they need",
    severity=Severity.WARN,
    about="audience",
    reads=CHAINS | WORKLOADS,
)
